"""The layout of the pixels of a TIFF page (TIFF 6.0 sections 3 to 6, 16, 18 and 19), and those that Pillow misreads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinypics.image.headers import tiff_pages
from tinypics.values import value

if TYPE_CHECKING:
    from tinypics.image.headers.tiff_pages import Page

WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK, _YCBCR, _LAB = 0, 1, 2, 5, 6, 8
INKS: Final = 4
_COLOURS: Final = {WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _CMYK: INKS}  # samples of the colour itself
ASSOCIATED, UNASSOCIATED = 1, 2  # ExtraSamples, section 18
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3  # SampleFormat, section 19
# Bits of a sample that `tiff_samples` reads, by SampleFormat.
_BITS: Final = {_UNSIGNED: (8, 10, 12, 14, 16, 32), _SIGNED: (8, 16, 32), _FLOAT: (16, 32)}
_JPEG: Final = (6, 7)
_PREDICTED: Final = (5, 8, 32946, 50000)  # compressions that a predictor may precede: LZW, deflate, ZSTD
_NAMES: Final = {_UNSIGNED: "", _SIGNED: "signed ", _FLOAT: "floating-point "}


@value
class Samples:
    """The layout of a page's pixels."""

    page: Page
    colours: int
    """Samples of the colour; others follow them."""
    count: int
    bits: int
    signed: bool
    floating: bool
    planes: bool

    @property
    def as_bytes(self) -> bool:
        """Whether rows are read as bytes, because Pillow cannot read one plane of these samples as grey, either."""
        odd = self.floating or (self.signed and self.bits > 8)
        return odd or self.bits not in (8, 16) or (self.count > 1 and not self.planes)

    @property
    def predictor(self) -> int:
        """1 for none, otherwise a number of `tiff_predictor`."""
        predicted = self.page.number(tiff_pages.COMPRESSION, 1) in _PREDICTED
        return self.page.number(tiff_pages.PREDICTOR, 1) if predicted else 1

    @property
    def stretched(self) -> bool:
        """Whether no standard tells which number is white: grey of 32 bits or with a sign, without a profile."""
        wide = self.bits == 32 or (self.signed and self.bits > 8)
        return wide and self.count == 1 and tiff_pages.ICC not in self.page.tags

    @property
    def alpha(self) -> int:
        """The meaning of the first further sample; 0 for none."""
        extra = self.page.number(tiff_pages.EXTRA, UNASSOCIATED if self.colours == 3 and self.count == 4 else 0)
        return extra if self.count > self.colours and extra in (ASSOCIATED, UNASSOCIATED) else 0


def unusual_samples(page: Page) -> Samples | None:
    """The layout, if Pillow cannot read it and this module can."""
    photometric, count = page.number(tiff_pages.PHOTOMETRIC), page.number(tiff_pages.SAMPLES, 1)
    bits, formats = page.numbers(tiff_pages.BITS, (1,)), page.numbers(tiff_pages.FORMAT, (_UNSIGNED,))
    colours = _COLOURS.get(photometric, count + 1)
    same = len({*bits}) == 1 and len({*formats}) == 1 and bits[0] in _BITS.get(formats[0], ())
    if not same or not colours <= count <= colours + 4:
        return None
    planes = page.number(tiff_pages.PLANES, 1) == 2 and count > 1
    found = Samples(page, colours, count, bits[0], formats[0] == _SIGNED, formats[0] == _FLOAT, planes)
    if _is_usual(found):
        return None
    if found.as_bytes and (page.number(tiff_pages.COMPRESSION, 1) in _JPEG or not _is_known_predictor(found)):
        return None
    return found


def _is_known_predictor(samples: Samples) -> bool:
    return samples.predictor == 1 or (
        samples.bits in (8, 16, 32) and samples.predictor in ((2, 3) if samples.floating else (2,))
    )


def _is_usual(samples: Samples) -> bool:
    """Whether Pillow's table of modes has these samples."""
    if samples.floating:
        return False
    if samples.count == 1:
        plain = samples.page.number(tiff_pages.PHOTOMETRIC) == _BLACK_IS_ZERO
        little = samples.page.order == "<"
        return not samples.signed and (samples.bits == 8 or (plain and samples.bits in ((12, 16) if little else (16,))))
    if samples.planes:
        return samples.count == samples.colours and samples.bits == 8 and not samples.signed
    if samples.signed or samples.bits not in (8, 16):
        return False
    if samples.count == samples.colours:
        return True
    if samples.colours == INKS:
        return samples.bits == 8 and not samples.alpha and samples.count <= 6
    if samples.colours == 1:
        return samples.bits == 8 and samples.count == 2 and bool(samples.page.numbers(tiff_pages.EXTRA))
    return samples.count == 4 or samples.bits == 8


def has_odd_planes(page: Page) -> bool:
    """Whether Pillow would take separate planes for interleaved samples. Decoders of YCbCr put its planes together."""
    photometric, compressed = page.number(tiff_pages.PHOTOMETRIC), page.number(tiff_pages.COMPRESSION, 1) != 1
    return photometric not in (_RGB, _CMYK, _LAB) and not (photometric == _YCBCR and compressed)


def describe(page: Page) -> str:
    """A page's pixels, for the person who sent it."""
    bits, count = page.numbers(tiff_pages.BITS, (1,)), page.number(tiff_pages.SAMPLES, 1)
    kind = _NAMES.get(page.number(tiff_pages.FORMAT, _UNSIGNED), "")
    colours = {0: "grey", 1: "grey", 2: "RGB", 3: "a palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
    colour = colours.get(page.number(tiff_pages.PHOTOMETRIC), "unknown colours")
    return f"a TIFF of {colour} with {count} {kind}samples of {bits[0]} bits a pixel"
