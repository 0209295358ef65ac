"""A rendition: one requested output, with one canonical text form.

`128x128`, `800x`, `x600-inside-webp-q80`, `thumb=128x128-at0.3x0.7`: the size, then a token for each field that differs
from its default. The same text is a template parameter, a command-line option, an API field and part of an object key,
so it has only characters that are safe in a key and in a URL path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Self, cast

from tinypics.errors import InvalidRequest
from tinypics.image.formats import FORMATS, OUTPUTS
from tinypics.image.options import MAX_SIDE, OPTIONS, either, match_focus, parse_token
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tinypics.image.options import Fit, Keep, Kernel

LOSSLESS: Final = tuple(name for name in OUTPUTS if FORMATS[name].lossless)

_SIZE: Final = r"(?P<width>[0-9]{0,5})x(?P<height>[0-9]{0,5})"
_EXAMPLE: Final = "a size and what differs from the defaults, like 128x128, 800x-webp-q80 or thumb=x600-inside"


@value
class Rendition:
    """One output of a picture. An invalid rendition cannot exist.

    Sides are pixels (times `dpr`). If only one side is given, the other follows from the picture's aspect ratio, and
    `fit` and `gravity` are not used.

    :raises InvalidRequest: naming the field, what is allowed and what was given.
    """

    name: str | None = None
    """Its name in an object key; the default is its text form."""
    width: int | None = None
    height: int | None = None
    fit: Fit = "cover"
    """`cover` exact size, crops the overflow; `contain` exact size, pads; `fill` exact size, distorts;
    `inside` at most the size; `outside` at least the size."""
    gravity: str = "centre"
    """The part that `cover` keeps, and the position of the picture with `contain`: a compass point, `entropy` or
    `attention` (smart crop), or a focal point `x,y` in 0..1 of the upright picture."""
    enlarge: bool | None = None
    """Enlarge small pictures. None: only if `fit` needs the exact size. True: to reach the size. False: never."""
    format: str | None = None
    """None: the source's, see `formats.output_format`."""
    quality: int | None = None
    """1..100; None: the format's default."""
    lossless: bool = False
    subsampling: str | None = None
    """Resolution of colour in JPEG and AVIF: `4:4:4` that of lightness, `4:2:0` half of it. None: `4:4:4` from quality
    90 on."""
    background: str | None = None
    """Hex `rrggbb` or `rrggbbaa` for padding and under transparency; None: transparent, or else white."""
    trim: int | None = None
    """Cut off a border of one colour first: the tolerance (0..255) from the corner's colour; None: do not trim."""
    rotate: int = 0
    """Degrees clockwise, after EXIF orientation: 0, 90, 180 or 270."""
    flip: bool = False
    """Mirror top to bottom, after rotating."""
    flop: bool = False
    """Mirror left to right, after rotating."""
    dpr: float = 1.0
    """Device pixel ratio: multiplies both sides."""
    linear: bool = False
    """Resample in linear light."""
    kernel: Kernel = "lanczos3"
    """`nearest` repeats or skips whole pixels, for pixel art: no colour is mixed."""
    keep: Keep = "none"
    """Metadata to keep: `icc` the colour profile (no conversion to sRGB), `copyright` artist and copyright,
    `all` both and EXIF. Location is never kept."""

    def __post_init__(self) -> None:
        for option in OPTIONS:
            given = getattr(self, option.field)
            if option.normalize:
                given = option.normalize(given)
                object.__setattr__(self, option.field, given)
            if not (option.is_valid(given) or (given is None and _DEFAULTS[option.field] is None)):
                raise InvalidRequest.expected(option.field, option.allowed, given)
        if self.width is None and self.height is None:
            raise InvalidRequest.expected("width", "a width or a height", None)
        if self.lossless and self.format not in (None, "auto", *LOSSLESS):
            raise InvalidRequest.expected("format", f"{either(LOSSLESS)} or auto with lossless", self.format)
        if max(side or 0 for side in self.box) > MAX_SIDE:
            raise InvalidRequest.expected("dpr", f"sides of at most {MAX_SIDE} pixels after multiplying", self.dpr)

    @property
    def box(self) -> tuple[int | None, int | None]:
        """Width and height in pixels: the sides times `dpr`, at least 1."""
        width, height = (side and max(1, round(side * self.dpr)) for side in (self.width, self.height))
        return width, height

    @property
    def focus(self) -> tuple[float, float] | None:
        """The focal point, if `gravity` is one."""
        match = match_focus(self.gravity)
        return (float(match[1]), float(match[2])) if match else None

    @property
    def label(self) -> str:
        """The rendition's name in an object key: its `name`, or else its text form."""
        return self.name or _text(self)

    def __str__(self) -> str:
        return f"{self.name}={_text(self)}" if self.name else _text(self)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text form; `parse(str(r)) == r` for every r.

        :raises InvalidRequest: the size is missing, or a token is unknown or repeated.
        """
        if not isinstance(text, str):
            raise InvalidRequest.expected("rendition", _EXAMPLE, text)
        name, equals, rest = text.rpartition("=")
        size, *tokens = rest.split("-")
        match = re.fullmatch(_SIZE, size)
        if not match:
            example = f"an x in the size: {size}x is a width, x{size} a height" if size.isdecimal() else _EXAMPLE
            raise InvalidRequest.expected("rendition", example, text)
        given: dict[str, Any] = {side: int(match[side]) for side in ("width", "height") if match[side]}
        if equals:
            given["name"] = name
        for token in tokens:
            field, value = parse_token(token)
            if field in given:
                raise InvalidRequest.expected("rendition", f"{field} once", text)
            given[field] = value
        return cls(**given)

    @classmethod
    def from_fields(cls, given: Mapping[str, object]) -> Self:
        """Parse the object form of events and the API: `FIELDS`, with strict types.

        :raises InvalidRequest: also for a field that is not one of `FIELDS`.
        """
        for field in given:
            if field not in FIELDS:
                raise InvalidRequest.expected("rendition", f"fields {', '.join(FIELDS)}", field)
        return cls(**cast("Mapping[str, Any]", given))


def check_distinct(renditions: Iterable[Rendition], field: str) -> None:
    """Raise InvalidRequest for two renditions with one label, and so one object key. `field` is for the message."""
    seen: set[str] = set()
    for label in (rendition.label for rendition in renditions):
        if label in seen:
            raise InvalidRequest.expected(field, "each rendition once", label)
        seen.add(label)


FIELDS: Final[tuple[str, ...]] = Rendition.__match_args__
"""Names of the fields of the object form."""

_DEFAULTS: Final = {field: getattr(Rendition, field) for field in FIELDS}


def _text(rendition: Rendition) -> str:
    """The text form without the name: the size, then a token for each field that differs from its default."""
    tokens = [f"{rendition.width or ''}x{rendition.height or ''}"]
    for option in OPTIONS:
        value = getattr(rendition, option.field)
        if option.field not in ("name", "width", "height") and value != _DEFAULTS[option.field]:
            tokens.append(option.token(value))
    return "-".join(tokens)
