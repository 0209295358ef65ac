"""The table of picture formats: which are read and written, and how each is recognised and named.

Formats are recognised by their first bytes, never by a file's name, and each is opened by its own decoder only: no
decoder outside this table is ever reachable. Names are those of sharp's `metadata().format`.
"""

from __future__ import annotations

from typing import Final

from tinypics.errors import UnsupportedFormat
from tinypics.values import value


@value
class Codec:
    """One picture format, as read and (where `encodes`) written."""

    name: str
    label: str
    plugin: str  # the only decoder module that is imported for it
    reader: str  # its class
    extension: str
    content_type: str
    encodes: bool = False
    alpha: bool = False
    animated: bool = False  # animations are preserved between formats with this flag
    lossless: bool = False  # supports lossless encoding
    quality: int | None = None  # default, chosen so that the formats look alike; None: quality means nothing here
    reads: str = ""  # for the documentation: the supported features


# Quality defaults: webp and avif give the structural similarity (SSIM) that JPEG gives at 80, on the test photos.
_TABLE: Final = (
    Codec("jpeg", "JPEG", "PIL.JpegImagePlugin", "JpegImageFile", "jpg", "image/jpeg", encodes=True, quality=80,
          reads="baseline, progressive and arithmetic; grey, YCbCr, RGB, CMYK, YCCK; any subsampling"),
    Codec("png", "PNG", "PIL.PngImagePlugin", "PngImageFile", "png", "image/png", encodes=True, alpha=True,
          lossless=True, reads="1 to 16 bits, grey, palette, RGB, alpha, tRNS, interlaced; APNG"),
    Codec("webp", "WebP", "PIL.WebPImagePlugin", "WebPImageFile", "webp", "image/webp", encodes=True, alpha=True,
          animated=True, lossless=True, quality=80, reads="lossy, lossless, alpha, animated"),
    Codec("gif", "GIF", "PIL.GifImagePlugin", "GifImageFile", "gif", "image/gif", encodes=True, alpha=True,
          animated=True, reads="87a, 89a, animated"),
    Codec("avif", "AVIF", "PIL.AvifImagePlugin", "AvifImageFile", "avif", "image/avif", encodes=True, alpha=True,
          quality=65, reads="8, 10 and 12 bits, alpha; first frame of a sequence"),
    Codec("heif", "HEIC/HEIF", "pi_heif", "HeifFile", "heic", "image/heic",
          reads="HEVC pictures as phones make them; primary picture"),
    Codec("tiff", "TIFF", "PIL.TiffImagePlugin", "TiffImageFile", "tif", "image/tiff",
          reads="first page; 1 to 16 bits, LZW, deflate, JPEG, fax, CMYK"),
    Codec("bmp", "BMP", "PIL.BmpImagePlugin", "BmpImageFile", "bmp", "image/bmp", reads="1 to 32 bits, RLE"),
    Codec("ico", "ICO", "PIL.IcoImagePlugin", "IcoImageFile", "ico", "image/vnd.microsoft.icon",
          reads="the largest picture inside"),
    Codec("jp2", "JPEG 2000", "PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile", "jp2", "image/jp2",
          reads="JP2 files and bare codestreams"),
)  # fmt: skip

FORMATS: Final[dict[str, Codec]] = {codec.name: codec for codec in _TABLE}
"""Every format by name. The order is that of the documentation."""

OUTPUTS: Final = tuple(codec.name for codec in _TABLE if codec.encodes)
"""Names of the formats that can be written: the values of `Rendition.format`, besides `auto`."""

HEAD: Final = 64
"""Bytes from the start of a file that `sniff` looks at."""

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

# Files that people upload by mistake, so that the message can name them.
_STRANGERS: Final = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "an EPS file"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"OggS", "an Ogg file"),
    (b"P6", "a PPM picture"),
    (b"P5", "a PGM picture"),
    (b"qoif", "a QOI picture"),
    (b"DDS ", "a DDS texture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"{", "JSON"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
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
    if head[4:8] == b"ftyp" and (brand := _from_brands(head)):
        return FORMATS[brand]
    raise UnsupportedFormat(f"not a picture in a supported format: it looks like {_stranger(head)}")


def _from_brands(head: bytes) -> str | None:
    """ISO 14496-12: the major brand first, then (after a version) the compatible ones, up to the box's end."""
    box = head[8 : max(16, min(int.from_bytes(head[:4]), HEAD))]
    brands = [box[:4], *(box[i : i + 4] for i in range(8, len(box) - 3, 4))]
    # An AVIF may carry "mif1" as its major brand, and then names itself only among the compatible ones.
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "avif"
    return "heif" if any(brand in _HEIF_BRANDS for brand in brands) else None


def _stranger(head: bytes) -> str:
    if not head:
        return "an empty file"
    for magic, what in _STRANGERS:
        if head.startswith(magic):
            return what
    if head[4:8] == b"ftyp":
        return "a video (MP4 family)"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        return "an SVG picture or a web page"
    if all(byte in b"\t\n\r" or 0x20 <= byte < 0x7F for byte in head):
        return "text"
    return "unknown data"


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
