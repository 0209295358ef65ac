"""Conversion of colours to sRGB, which viewers assume by default; and from sRGB to linear light and back.

littlecms is imported only for a picture with a colour profile (or H.273 numbers) other than sRGB.
"""

from __future__ import annotations

import io
import struct
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from tinypics.errors import CorruptImage

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

_SPACES: Final = {b"RGB ": ("RGB", "RGBA"), b"GRAY": ("L", "LA"), b"CMYK": ("CMYK",)}


def fits(icc: bytes, mode: str) -> bool:
    """Whether the profile's colour space fits pictures of this mode."""
    return mode in _SPACES.get(icc[16:20], ())


def is_usable(icc: bytes, mode: str) -> bool:
    """Whether littlecms can use the profile for pictures of this mode."""
    try:
        return fits(icc, mode) and _transform(icc, "L" if mode == "LA" else mode) is not None
    except Exception:  # noqa: BLE001 - littlecms raises anything for a broken profile
        return False


def is_srgb(icc: bytes) -> bool:
    """Whether the profile is named sRGB and has its colourants (IEC 61966-2-1, adapted to D50), to three digits."""
    if icc[16:20] != b"RGB ":
        return False
    if b"sRGB" not in icc and "sRGB".encode("utf-16-be") not in icc:
        return False
    tags = {
        icc[at : at + 4]: struct.unpack_from(">I", icc, at + 4)[0] for at in range(132, min(len(icc) - 12, 1332), 12)
    }
    for name, colourant in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _COLOURANTS[1], strict=True):
        at = tags.get(name, len(icc))
        if at + 20 > len(icc):
            return False
        found = struct.unpack_from(">iii", icc, at + 8)
        if any(abs(value / 65536 - wanted) > 0.001 for value, wanted in zip(found, colourant, strict=True)):
            return False
    return True


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """The picture (L, LA, RGB, RGBA or CMYK; alpha not premultiplied) in sRGB: L, LA, RGB or RGBA.

    Relative colorimetric with black point compensation, as in picture editors: white stays white, and dark tones of a
    printer's colour space do not turn black.

    :raises CorruptImage: the profile is broken, or does not fit the picture's mode.
    """
    if not fits(icc, image.mode):
        if not (image.mode in ("L", "LA") and fits(icc, "RGB")):
            raise CorruptImage(f"a colour profile for {icc[16:20]!a} in a picture of mode {image.mode}")
        image = image.convert("RGB" if image.mode == "L" else "RGBA")  # grey, with an RGB profile
    try:
        if image.mode in ("L", "LA"):
            return _grey(image, icc)
        return _transform(icc, image.mode).apply(image)  # type: ignore[no-any-return]
    except Exception as error:
        raise CorruptImage(f"the colour profile cannot be used: {error}"[:200]) from error


def _grey(image: Image.Image, icc: bytes) -> Image.Image:
    """Convert grey through RGB, because littlecms has no grey sRGB. All three channels are then equal."""
    from PIL import Image

    grey = _transform(icc, "L").apply(image.getchannel("L")).getchannel("G")
    return grey if image.mode == "L" else Image.merge("LA", (grey, image.getchannel("A")))


@lru_cache(maxsize=4)  # cameras of one make share a profile
def _transform(icc: bytes, mode: str) -> Any:
    from PIL import ImageCms

    target = "RGBA" if mode == "RGBA" else "RGB"
    return ImageCms.buildTransform(
        io.BytesIO(icc),
        ImageCms.createProfile("sRGB"),
        mode,
        target,
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


# Red, green and blue as XYZ adapted to D50 (Bradford), by the number of the primaries in ITU-T H.273.
_COLOURANTS: Final = {
    1: ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),  # BT.709, sRGB
    9: ((0.67348, 0.27904, -0.00193), (0.16566, 0.67534, 0.02997), (0.12505, 0.04560, 0.79690)),  # BT.2020
    12: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),  # Display P3
}
_D50: Final = (0.9642, 1.0, 0.8249)
_PQ, _HLG = 16, 18


def is_hdr(nclx: tuple[int, int]) -> bool:
    """Whether the transfer function goes beyond white."""
    return nclx[1] in (_PQ, _HLG)


@cache
def build_profile(nclx: tuple[int, int]) -> bytes | None:
    """An ICC profile for the numbers of H.273; None for sRGB and for unknown numbers.

    HDR is mapped to standard range: reference white (203 cd/m², ITU-R BT.2408) becomes a little less than white, and
    brighter values are compressed into the rest.
    """
    primaries, transfer = nclx
    if primaries not in _COLOURANTS or (primaries == 1 and not is_hdr(nclx)):
        return None
    curve = {_PQ: _pq, _HLG: _hlg}.get(transfer, srgb_to_linear)
    points = [round(65535 * curve(i / 1023)) for i in range(1024)]
    trc = b"curv" + struct.pack(">II", 0, len(points)) + struct.pack(f">{len(points)}H", *points)
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz_tag, _COLOURANTS[primaries]), strict=True))
    tags |= {b"wtpt": _xyz_tag(_D50), b"rTRC": trc, b"gTRC": trc, b"bTRC": trc}
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"", 0x02100000, b"mntr", b"RGB ", b"XYZ ").ljust(36, b"\0")
    head = (head + b"acsp").ljust(68, b"\0") + struct.pack(">iii", *(round(v * 65536) for v in _D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz_tag(colour: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in colour))


def _pq(signal: float) -> float:
    """SMPTE ST 2084, as a share of reference white."""
    power: float = signal ** (1 / 78.84375)
    light: float = (max(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
    return _compress_highlights(light * 10_000 / 203)


def _hlg(signal: float) -> float:
    """ARIB STD-B67 with reference white at a signal of 0.75; scene light is treated as display light."""
    import math

    light = signal * signal / 3 if signal <= 0.5 else (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return _compress_highlights(light / 0.265)


_KNEE: Final = 0.6


def _compress_highlights(light: float) -> float:
    """Values below the knee are unchanged; higher ones approach white smoothly."""
    import math

    return light if light <= _KNEE else _KNEE + (1 - _KNEE) * (1 - math.exp((_KNEE - light) / (1 - _KNEE)))


def srgb_to_linear(value: float) -> float:
    """sRGB value to linear light, both 0..1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: float) -> float:
    """Linear light to sRGB value, both 0..1: the inverse of `srgb_to_linear`."""
    return light * 12.92 if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)


@cache
def _linear_table() -> list[float]:
    return [srgb_to_linear(value / 255) for value in range(256)]


@cache
def _srgb_table() -> list[int]:
    return [round(255 * linear_to_srgb(light / 65535)) for light in range(65536)]


def in_linear_light(image: Image.Image, resample: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """`resample` applied to light instead of values: mode L, LA, RGB or RGBA to the same, alpha not premultiplied."""
    from PIL import Image, ImageMath

    if "A" not in image.mode:
        return Image.merge(image.mode, [_band_to_srgb(resample(_band_to_linear(band))) for band in image.split()])
    *colours, alpha = image.split()
    share = alpha.point([value / 255 for value in range(256)], "F")
    small = resample(share)
    bands = []
    for band in colours:
        part = ImageMath.lambda_eval(lambda of: of["light"] * of["share"], light=_band_to_linear(band), share=share)
        whole = ImageMath.lambda_eval(
            lambda of: of["light"] / of["max"](of["share"], _LEAST_SHARE), light=resample(part), share=small
        )
        bands.append(_band_to_srgb(whole))
    return Image.merge(image.mode, [*bands, small.point(lambda value: value * 255 + 0.5).convert("L")])


_LEAST_SHARE: Final = 1 / 1024  # the least alpha that light is divided by; below it the colour is invisible


def _band_to_linear(band: Image.Image) -> Image.Image:
    return band.point(_linear_table(), "F")


def _band_to_srgb(light: Image.Image) -> Image.Image:
    """Linear light as floats (which may overshoot) to sRGB bytes, over 16 bits so that dark tones do not band."""
    return light.point(lambda value: value * 65535 + 0.5).convert("I").point(_srgb_table(), "L")
