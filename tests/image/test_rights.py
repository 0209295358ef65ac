"""Creator, copyright and density, in every place where photo editors write them."""

from __future__ import annotations

import struct
import zlib
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.pictures import encoded, full_exif, opened, photo, png
from tinypics import resize

ARTIST, COPYRIGHT = 0x013B, 0x8298


def dataset(number: int, text: bytes) -> bytes:
    return b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text


def with_iptc(*datasets: bytes) -> bytes:
    body = b"".join(datasets)
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(body)) + body + bytes(len(body) % 2)
    segment = b"Photoshop 3.0\0" + resource
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG")
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def xmp(properties: str) -> bytes:
    return f'<x:xmpmeta><rdf:RDF><rdf:Description rdf:about="">{properties}</rdf:Description></rdf:RDF>'.encode()


RIGHTS = '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) 2024 J &amp; J</rdf:li></rdf:Alt></dc:rights>'
CREATORS = "<dc:creator><rdf:Seq><rdf:li>Jane</rdf:li><rdf:li>Joe</rdf:li></rdf:Seq></dc:creator>"


def kept(data: bytes, text: str) -> tuple[Any, Any, tuple[str, ...]]:
    output = resize(data, text)
    exif = opened(output.data).getexif()
    return exif.get(ARTIST), exif.get(COPYRIGHT), output.dropped


@pytest.mark.parametrize("keep", ["keepcopyright", "keepall"])
@pytest.mark.parametrize("format", ["", "-webp", "-png"])
def test_iptc_is_kept_as_exif(keep: str, format: str) -> None:
    data = with_iptc(dataset(0, b"\0\4"), dataset(80, b"Jane"), dataset(116, b"(c) 2024 Jane"))
    assert kept(data, f"32x{format}-{keep}") == ("Jane", "(c) 2024 Jane", ())


@pytest.mark.parametrize("keep", ["keepcopyright", "keepall"])
@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_xmp_is_kept_as_exif(format: str, keep: str) -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), format, xmp=xmp(RIGHTS + CREATORS))
    assert kept(data, f"32x-jpeg-{keep}") == ("Jane; Joe", "(c) 2024 J & J", ())


@pytest.mark.parametrize(
    "content",
    [
        RIGHTS.replace("(c) ", "<![CDATA[(c) ").replace("&amp; J<", "& J]]><"),
        RIGHTS.replace("(c)", "&#40;c&#x29;").replace("&amp;", "&#38;"),
        RIGHTS.replace('"', "'").replace("<rdf:li", "<rdf:li xml:lang='de'>(c) Hans</rdf:li><rdf:li"),
        "<dc:rights>(c) 2024 J &amp; J</dc:rights>",
    ],
    ids=["cdata", "numbers", "single quotes", "plain"],
)
def test_xmp_is_read_as_any_tool_writes_it(content: str) -> None:
    licence = LICENCES[2][1].replace('"', "'")
    output = resize(
        encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", xmp=xmp(content + licence)), "32x-keepcopyright"
    )
    assert opened(output.data).getexif()[COPYRIGHT] == "(c) 2024 J & J"
    assert description(output.data)["license"] == LICENCES[2][2]


def test_a_cdata_section_without_an_end_costs_nothing() -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), "WEBP", xmp=xmp("<![CDATA[" * 100_000))
    assert kept(data, "32x-jpeg-keepcopyright") == (None, None, ())


def test_exif_goes_before_them() -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", exif=full_exif(), xmp=xmp(CREATORS))
    source = opened(data).getexif()
    assert kept(data, "32x-keepcopyright")[:2] == (source.get(ARTIST), source.get(COPYRIGHT))


TERMS = "<xmpRights:UsageTerms><rdf:Alt><rdf:li>CC BY &lt;4.0&gt;</rdf:li></rdf:Alt></xmpRights:UsageTerms>"
LICENCES = [
    ("UsageTerms", TERMS, "CC BY <4.0>"),
    (
        "WebStatement",
        "<xmpRights:WebStatement>https://example.org/?a=1&amp;b</xmpRights:WebStatement>",
        "https://example.org/?a=1&b",
    ),
    (
        "license",
        '<cc:license rdf:resource="https://creativecommons.org/licenses/by/4.0/"/>',
        "https://creativecommons.org/licenses/by/4.0/",
    ),
]


def description(data: bytes) -> dict[str, str]:
    """Text or resource of each property in the output's XMP, by a parser of XML."""
    packet = opened(data).info["xmp"]
    root = ET.fromstring(packet if isinstance(packet, str) else packet.decode())  # noqa: S314 - ours
    found = next(each for each in root.iter() if each.tag.endswith("}Description"))
    return {
        part.tag.partition("}")[2]: "".join(part.itertext()).strip() or next(iter(part.attrib.values()))
        for part in found
    }


@pytest.mark.parametrize("keep", ["keepcopyright", "keepall"])
@pytest.mark.parametrize("source", ["JPEG", "WEBP", "AVIF", "PNG", "compressed PNG"])
@pytest.mark.parametrize(("name", "content", "wanted"), LICENCES, ids=lambda text: text[:12])
def test_a_licence_is_kept_as_xmp(name: str, content: str, wanted: str, source: str, keep: str) -> None:
    packet, image = xmp(RIGHTS + CREATORS + content), Image.new("RGB", (64, 64), "grey")
    if source.endswith("PNG"):
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode(), zip=source != "PNG")
        data = encoded(image, "PNG", pnginfo=info)
    else:
        data = encoded(image, source, xmp=packet)
    for format in ("jpeg", "png", "webp", "avif"):
        output = resize(data, f"32x-{format}-{keep}")
        properties = description(output.data)
        assert properties == {"creator": "Jane; Joe", "rights": "(c) 2024 J & J", name: wanted}
        assert output.dropped == ()
        assert "xmp" not in opened(resize(data, f"32x-{format}").data).info


@pytest.mark.parametrize("content", ["", TERMS])
def test_a_gif_has_no_place_for_it(content: str) -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", xmp=xmp(RIGHTS + content))
    assert resize(data, "32x-gif-keepcopyright").dropped == ("metadata",)
    assert resize(data, "32x-gif").dropped == ()


def test_a_licence_of_any_length_and_any_characters_is_written() -> None:
    terms = TERMS.replace("CC BY", "\x01" + "&amp;" * 100_000)
    data = encoded(Image.new("RGB", (64, 64), "grey"), "WEBP", xmp=xmp(terms))
    assert description(resize(data, "32x-jpeg-keepall").data)["UsageTerms"] == "&" * 2000


@pytest.mark.parametrize("cut", [0, 17, 18, 19, 21, 30])
def test_broken_xmp_of_a_png_costs_nothing(cut: int) -> None:
    chunk = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp(TERMS))
    data = png((2, 2), 0, 8, [b"ab"] * 2, [(b"iTXt", chunk[:cut])])
    output = resize(data, "2x-keepcopyright")
    assert (output.width, output.dropped) == (2, ())


@pytest.mark.parametrize("cut", range(1, 12))
def test_broken_iptc_costs_nothing(cut: int) -> None:
    assert resize(with_iptc(dataset(80, b"Jane")[:cut]), "32x-keepcopyright").width == 32


def test_density_is_kept_with_all() -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", dpi=(300, 300))
    assert opened(resize(data, "32x-keepall").data).getexif().get(0x011A) == 300
    assert not opened(resize(data, "32x-keepcopyright").data).getexif()
    assert not opened(resize(data, "32x").data).getexif()


def test_no_location_comes_through() -> None:
    place = "<photoshop:City>Paris</photoshop:City><exif:GPSLatitude>48,51N</exif:GPSLatitude>"
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", xmp=xmp(RIGHTS + place))
    output = resize(data, "32x-keepall")
    assert b"Paris" not in output.data
    assert b"48,51" not in output.data


def pictures_of(*pictures: tuple[int, bytes], order: str = ">") -> bytes:
    """A multi-picture file (CIPA DC-007): each picture with the type of its entry; the first has the index."""
    first = pictures[0][1]
    head = b"MPF\0" + (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    tags = [(0xB000, 7, 4, b"0100"), (0xB001, 4, 1, struct.pack(order + "I", len(pictures)))]
    start = 8 + 2 + 12 * 3 + 4
    tags.append((0xB002, 7, 16 * len(pictures), struct.pack(order + "I", start)))
    index = (
        struct.pack(order + "H", 3) + b"".join(struct.pack(order + "HHI", *tag[:3]) + tag[3] for tag in tags) + bytes(4)
    )
    length = 4 + len(head) + len(index) + 16 * len(pictures)
    base, place, entries = 2 + 4 + 4, 0, b""
    for number, (kind, data) in enumerate(pictures):
        size = len(data) + (length if not number else 0)
        entries += struct.pack(order + "IIIHH", kind, size, place - base if number else 0, 0, 0)
        place += size
    segment = b"\xff\xe2" + struct.pack(">H", length - 2) + head + index + entries
    return first[:2] + segment + first[2:] + b"".join(data for _, data in pictures[1:])


GAIN_MAP = xmp("<apdi:AuxiliaryImageType>urn:com:apple:photo:2020:aux:hdrgainmap</apdi:AuxiliaryImageType>")


@pytest.mark.parametrize("size", [(64, 64), (900, 700)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_gain_map_in_the_second_picture_is_said(order: str, size: tuple[int, int]) -> None:
    """As in the JPEGs of Apple's devices; the first picture may be longer than what is read of a file at first."""
    first, small = encoded(photo(size), "JPEG", quality=98), Image.new("L", (32, 32), 9)
    others = [(0, encoded(small, "JPEG", xmp=GAIN_MAP)), (0, encoded(small, "JPEG"))]
    for data, dropped in (
        (pictures_of((0x030000, first), others[0], order=order), ("gain-map",)),
        (pictures_of((0x030000, first), others[1], others[0], order=order), ("gain-map",)),
        (pictures_of((0x030000, first), others[1], order=order), ()),
        (pictures_of((0x030000, first), (0x010001, others[1][1]), order=order), ()),
        (pictures_of((0x030000, first), order=order), ()),
    ):
        assert resize(data, "32x").dropped == dropped


@pytest.mark.parametrize("cut", range(4, 70, 6))
def test_a_broken_index_of_pictures_costs_nothing(cut: int) -> None:
    first = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG")
    whole = pictures_of((0x030000, first), (0, encoded(Image.new("L", (32, 32)), "JPEG", xmp=GAIN_MAP)))
    length = struct.unpack_from(">H", whole, 4)[0] - cut
    data = whole[:4] + struct.pack(">H", max(length, 6)) + whole[6 : 4 + max(length, 6)] + whole[4 + length + cut :]
    assert resize(data, "32x").width == 32


def test_the_gain_map_of_an_apple_photo_is_said() -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", xmp=xmp("<HDRGainMap:HDRGainMapVersion>65536</x>"))
    assert resize(data, "32x").dropped == ("gain-map",)
