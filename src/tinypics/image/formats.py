"""The table of picture formats: which are read and written, how each is recognised, and every fact that differs.

Formats are recognised by their first bytes, never by a file's name, and each is opened by its own decoder only: no
decoder outside this table is ever reachable. Names are those of sharp's `metadata().format`.
"""

from __future__ import annotations

from typing import Final

from tinypics.errors import UnsupportedFormat
from tinypics.values import value


@value
class Codec:
    """One picture format, as read and (if `encodes`) written, with everything that differs by format."""

    name: str
    label: str
    content_type: str
    extension: str
    """Without the dot, as outputs have it."""
    plugin: str
    """The only decoder module that is imported for it."""
    decoder_class: str
    """The decoder's class in it."""
    features: str
    """The supported features, for the documentation."""
    decoder_bytes: int
    """Bytes per pixel that the decoder needs besides Pillow's image (4 bytes, or 1 for grey): peak memory, measured
    with pictures of 12 MP. Pillow needs no more for an interlaced PNG."""
    deep_bytes: int = 0
    """More of them for samples of more than 8 bits."""
    other_extensions: tuple[str, ...] = ()
    parser: str = ""
    """The module in `headers`, if it does not have the format's name."""
    browser_support: bool = False
    """Browsers show it."""
    encodes: bool = False
    bundled: bool = True
    """Its decoder is installed with Tinypics."""
    max_side: int = 65_535
    """The largest width or height that a file of the format can have."""
    srcset_order: int = 0
    """Its place in a `srcset`: from the smallest files to the widest support."""
    alpha: bool = False
    reads_animation: bool = False
    animated: bool = False
    """Animations are preserved between formats with this flag."""
    lossless: bool = False
    """Supports lossless encoding."""
    quality: int | None = None
    """Default quality, chosen so that the formats look alike; None: quality means nothing here."""
    mb_per_mp: float = 0.2
    """Megabytes of a file per megapixel: medians of the pictures with which `ms_per_mp` was measured."""
    ms_per_mp: float = 10.0
    """CPU milliseconds from file to 128x128, per megapixel of the source: `tinypics.resize_all` on camera photos of 6
    to 48 MP, screenshots and drawings, Pillow 13, x86-64, 2026-11. Formats that were not measured have these defaults,
    which are near the middle of the measured ones."""


# Quality defaults: webp and avif give the structural similarity (SSIM) that JPEG gives at 80, on the test photos.
_TABLE: Final = (
    Codec("jpeg", "JPEG", "image/jpeg", "jpg", "PIL.JpegImagePlugin", "JpegImageFile",
          "baseline, progressive, arithmetic and lossless; grey, YCbCr, RGB, CMYK, YCCK; any subsampling",
          decoder_bytes=0, other_extensions=("jpeg", "jpe", "jfif"), browser_support=True, encodes=True, srcset_order=3,
          max_side=65_500, quality=80, mb_per_mp=0.15, ms_per_mp=2.3),
    Codec("png", "PNG", "image/png", "png", "PIL.PngImagePlugin", "PngImageFile",
          "1 to 16 bits, grey, palette, RGB, alpha, tRNS, interlaced; APNG", decoder_bytes=2, deep_bytes=7,
          other_extensions=("apng",), browser_support=True, encodes=True, srcset_order=4, alpha=True,
          reads_animation=True, lossless=True, mb_per_mp=0.21, ms_per_mp=9),
    Codec("webp", "WebP", "image/webp", "webp", "PIL.WebPImagePlugin", "WebPImageFile",
          "lossy, lossless, alpha, animated", decoder_bytes=14,
          browser_support=True, encodes=True, srcset_order=2, alpha=True, reads_animation=True, animated=True,
          lossless=True, max_side=16_383, quality=80, mb_per_mp=0.05, ms_per_mp=13),
    Codec("gif", "GIF", "image/gif", "gif", "PIL.GifImagePlugin", "GifImageFile", "87a, 89a, animated", decoder_bytes=8,
          browser_support=True, encodes=True, srcset_order=5, alpha=True, reads_animation=True, animated=True,
          mb_per_mp=0.67, ms_per_mp=51),
    Codec("avif", "AVIF", "image/avif", "avif", "PIL.AvifImagePlugin", "AvifImageFile",
          "8, 10 and 12 bits, alpha, animated", decoder_bytes=7, deep_bytes=5,
          other_extensions=("avifs",), parser="isobmff", browser_support=True, encodes=True, srcset_order=1, alpha=True,
          reads_animation=True, animated=True, quality=65, mb_per_mp=0.05, ms_per_mp=12),
    Codec("heif", "HEIC/HEIF", "image/heic", "heic", "pi_heif", "HeifFile",
          "HEVC pictures as phones make them; primary picture", decoder_bytes=7, deep_bytes=5,
          other_extensions=("heif", "hif", "heics", "heifs"), parser="isobmff", mb_per_mp=0.17, ms_per_mp=37),
    Codec("tiff", "TIFF", "image/tiff", "tif", "PIL.TiffImagePlugin", "TiffImageFile",
          "first full page, or a raw file's preview; 1 to 16, 32 bits, floats; LZW, deflate, JPEG, fax; CMYK, planes",
          decoder_bytes=3, deep_bytes=7, other_extensions=("tiff",)),
    Codec("bmp", "BMP", "image/bmp", "bmp", "PIL.BmpImagePlugin", "BmpImageFile", "1 to 32 bits, RLE",
          decoder_bytes=2, other_extensions=("dib",), browser_support=True),
    Codec("ico", "ICO", "image/vnd.microsoft.icon", "ico", "PIL.IcoImagePlugin", "IcoImageFile",
          "the largest picture inside; cursors (CUR)", decoder_bytes=12, other_extensions=("cur",),
          browser_support=True),
    Codec("jp2", "JPEG 2000", "image/jp2", "jp2", "PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile",
          "JP2 files and bare codestreams", decoder_bytes=8, other_extensions=("j2k", "j2c", "jpc", "jpf", "jpx")),
    Codec("jxl", "JPEG XL", "image/jxl", "jxl", "pillow_jxl.JpegXLImagePlugin", "JXLImageFile",
          "if pillow-jxl-plugin is installed; first frame", decoder_bytes=14, deep_bytes=8, bundled=False),
)  # fmt: skip

FORMATS: Final[dict[str, Codec]] = {codec.name: codec for codec in _TABLE}
"""Every format by name. The order is that of the documentation."""

OUTPUTS: Final = tuple(codec.name for codec in _TABLE if codec.encodes)
"""Names of the formats that can be written: the values of `Rendition.format`, besides `auto`."""

BY_EXTENSION: Final = {
    extension: codec.name for codec in _TABLE for extension in (codec.extension, *codec.other_extensions)
}
"""The name of the format that an extension (in lower case, without the dot) stands for."""

HEAD: Final = 64
"""Bytes from the start of a file that `sniff` needs."""

_MAGIC: Final = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
    (b"\0\0\1\0", "ico"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\xff\x0a", "jxl"),
)

_AVIF_BRANDS: Final = (b"avif", b"avis")
_HEIF_BRANDS: Final = (
    b"heic",
    b"heix",
    b"heim",
    b"heis",
    b"hevc",
    b"hevx",
    b"hevm",
    b"hevs",
    b"mif1",
    b"mif2",
    b"msf1",
)


def sniff(head: bytes) -> Codec:
    """The format that the first `HEAD` bytes of a file show.

    :raises UnsupportedFormat: no format of the table; the message names the likely format.
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return FORMATS[name]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FORMATS["webp"]
    if head[:4] == b"\0\0\2\0" and head[4:6] != b"\0\0":  # a cursor; a TGA of true colour has no entries there
        return FORMATS["ico"]
    if head[4:8] == b"ftyp" and (brand := _from_brands(head)):
        return FORMATS[brand]
    from tinypics.image import unsupported

    raise UnsupportedFormat(f"not a picture in a supported format: it looks like {unsupported.describe(head)}")


def _from_brands(head: bytes) -> str | None:
    """ISO 14496-12: the major brand first, then (after a version) the compatible ones, up to the box's end."""
    box = head[8 : max(16, min(int.from_bytes(head[:4]), HEAD))]
    brands = [box[:4], *(box[i : i + 4] for i in range(8, len(box) - 3, 4))]
    # An AVIF may carry "mif1" as its major brand, and then names itself only among the compatible ones.
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "avif"
    return "heif" if any(brand in _HEIF_BRANDS for brand in brands) else None


def output_format(
    asked: str | None, source: str, *, transparent: bool, animated: bool, few_colours: bool, lossless: bool
) -> str:
    """The name of the format to write: the one rule.

    A requested format is used. None keeps the source's format if it can be written (losslessly, if requested);
    other formats become JPEG, or PNG to keep transparency or be lossless, or WebP for an animation.
    `auto` depends on the content: an animation or transparency becomes WebP, a drawing (at most 256 colours) PNG, a
    photo JPEG (lossless: WebP).
    """
    if asked == "auto":
        if animated or transparent or (lossless and not few_colours):
            return "webp"
        return "png" if few_colours else "jpeg"
    if asked is not None:
        return asked
    if FORMATS[source].encodes and (FORMATS[source].lossless or not lossless):
        return source
    if animated:
        return "webp"
    return "png" if transparent or lossless else "jpeg"
