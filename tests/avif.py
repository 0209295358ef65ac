"""AVIF of 10 and 12 bits. Neither Pillow nor its libaom writes them, so two files are kept in this text.

Both show a ramp from 0 to 1, 1024 pixels wide and 8 high. The package imagecodecs has written them with
`avif_encode(samples, level=90, speed=0, bitspersample=bits)`.
"""

from __future__ import annotations

import base64
import struct


def ramp(bits: int, *, transfer: int, primaries: int = 1) -> bytes:
    """The ramp with 12 bits in RGB, or with 10 in RGBA: its two lowest rows have an alpha of 0.6."""
    data = base64.b85decode(_FILES[bits])
    start = data.index(b"nclx") + 4
    return data[:start] + struct.pack(">HH", primaries, transfer) + data[start + 4 :]


_FILES = {
    12: (
        r"0000SW^{RQVRmU|00000VRmU|ZE0pPZE0a<0002%ZDn*}000000000XXk=`10000000000aA{+7000000000000000000004sdC7Z2$lO00031"
        r"0016oY;R)#0000)000310RR910RR924*&oFy8r+HC~0YKW&i*H00031000_kZf0cy000000RRADb}%tRZ)|UJ00000YH4tCZ~y=ROKEUpZvX%Q"
        r"6lrsCWdHyG00004000002mk;85O8UDX#fBK00RsR3;+NC3}JRLLxDhG000006Ju{|a&BX6cmM(b0ssbp0000NX>e^}0000000001009I60)qqq"
        r"006^nWMOm?0163MB)|UFfdK<VGOGa*0U@P80C@latVz?r&0D3%CA`p%bNjAS%*tGsRC*Qxt5wW@|1Zj~$%Tb-KD1K$+q4A?Aq0se_eKZeL_@Tq"
        r"nU3~9zd6>nNVp=M=*^T18SLQ(YGiR0J}LYk&NMh}VW$COjpj&(Z6*BKpO~!AI&UoQb<@S)IQZ~HKI~afHkH5|V5M*|)rrSO$`Cgjz*zuQ8y=4E"
        r"O`Hr;s+4pXmox7V9n9^m>}&"
    ),
    10: (
        r"0000WW^{RQVRmU|00000VRmU|ZE0pPZE0a<O+hh10004oZDn*}000000000XXk=`10000000000aA{+7000000000000000000004sdC7Z2$lO"
        r"00031001m$Y;R)#0000)000620RR910RR92(EtDdxBvnG0003100FK5001KZ002U1X>Mi!000000ssI28fk83WdZ;I000310AY48F+*=`Z*l+t"
        r"000_kZf0cy000000ssJEb}%tPY;b5{000008fkK6W&i*H000004q<h8YybiP0RRC2006^jaB^?}005n7aAR)(000zeb8uw<0000000aO4000O8"
        r"000nhX?SS>000033JMAU000bOb}>VNAV2^B000wXZ)|dIV{CW;0ssO427mwn01j|zcxeCt0003B0000CVRkV?fdE_p0000uVRd*z00000b#iVx"
        r"ZE$60I&E-eXF@t-X=89Yb9r-gWo>ghVRd+EY-wR~c{*WiaA;uw0000UX>e^}0000000002009I60)qqq0t5jCh6exu0OM_BVRRAz3I-"
        r"S?zyHplG8Yg40LP3!+rjZ4;POp!7pSJG8M%_xFcJU?2{<Ib{@w%x4Inb80TBTqr9c3A00022OE!g6*<)@Ld*9#^daz!`IkWz1bWE^k>ITW#(>N"
        r"&)5%q6km2C>2c!tqMM|a|3Ywm})BNd71tl@m5e8O(f5B5fc&T#8NUb_8As>i~u71Zt@yYL};x2L4lJAIAO-"
        r"Ngn8gp24yxhIK?FZ981ryGU9d_NHoMIEGP!RTo1?ubO!Y{=kasRrtx-DT+EUKdL)aQ^2Mg6wYJ=K"
    ),
}
