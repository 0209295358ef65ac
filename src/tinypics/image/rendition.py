"""A rendition: one requested output, with one canonical text form.

`128x128`, `800x`, `x600-inside-webp-q80`, `thumb=128x128-at0.3x0.7`: the size, then a token for each field that differs
from its default. The same text is a template parameter, a command-line option, an API field and part of an object key,
so it has only characters that are safe in a key and in a URL path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast, get_args

from tinypics.errors import InvalidRequest
from tinypics.image.formats import FORMATS, OUTPUTS
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Fit = Literal["cover", "contain", "fill", "inside", "outside"]
Keep = Literal["none", "icc", "copyright", "all"]

FITS: Final = get_args(Fit)
KEEPS: Final = get_args(Keep)
COMPASS: Final = ("centre", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
SMART: Final = ("entropy", "attention")
LOSSLESS: Final = tuple(name for name in OUTPUTS if FORMATS[name].lossless)
MAX_SIDE: Final = 16_384

# Patterns are compiled on first use, because most renditions need only the first.
_SIZE: Final = r"(?P<width>[0-9]{0,5})x(?P<height>[0-9]{0,5})"
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
_FOCUS: Final = r"([01]|[01]?\.[0-9]{1,12}),([01]|[01]?\.[0-9]{1,12})"
_COLOUR: Final = r"[0-9a-f]{6}|[0-9a-f]{8}"
_EXAMPLE: Final = "a size and what differs from the defaults, like 128x128, 800x-webp-q80 or thumb=x600-inside"
_SYNONYMS: Final = {"center": "centre", "jpg": "jpeg"}


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
    keep: Keep = "none"
    """Metadata to keep: `icc` the colour profile (no conversion to sRGB), `copyright` artist and copyright,
    `all` both and EXIF. Location is never kept."""

    def __post_init__(self) -> None:
        for field, spelt in _canonical(self):
            object.__setattr__(self, field, spelt)
        for field, (valid, allowed) in _RULES.items():
            given = getattr(self, field)
            if not (valid(given) or (given is None and field in _OPTIONAL)):
                raise InvalidRequest.expected(field, allowed, given)
        if self.width is None and self.height is None:
            raise InvalidRequest.expected("width", "a width or a height", None)
        if self.lossless and self.format not in (None, "auto", *LOSSLESS):
            raise InvalidRequest.expected("format", f"{_either(LOSSLESS)} or auto with lossless", self.format)
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
        match = _focus(self.gravity)
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
        size, *words = rest.split("-")
        match = re.fullmatch(_SIZE, size)
        if not match:
            raise InvalidRequest.expected("rendition", _EXAMPLE, text)
        given: dict[str, Any] = {side: int(match[side]) for side in ("width", "height") if match[side]}
        if equals:
            given["name"] = name
        for word in words:
            field, value = _meaning(word)
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
_OPTIONAL: Final = frozenset(field for field, default in _DEFAULTS.items() if default is None)


def _either(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))


def _whole(low: int, high: int) -> tuple[Callable[[Any], bool], str]:
    return lambda v: type(v) is int and low <= v <= high, f"a whole number from {low} to {high}"


def _one_of(*names: object) -> tuple[Callable[[Any], bool], str]:
    return lambda v: any(type(v) is type(name) and v == name for name in names), _either(names)


def _like(pattern: str, allowed: str) -> tuple[Callable[[Any], bool], str]:
    return lambda v: isinstance(v, str) and re.fullmatch(pattern, v) is not None, allowed


def _focus(gravity: str) -> re.Match[str] | None:
    return None if gravity in COMPASS else re.fullmatch(_FOCUS, gravity)


def _is_gravity(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    match = _focus(value)
    return max(float(match[1]), float(match[2])) <= 1 if match else value in (*COMPASS, *SMART)


_FLAG: Final = (lambda v: isinstance(v, bool), "true or false")

# The rule of each field, in the order of checking: a message names the first invalid field.
_RULES: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "name": _like(_NAME, "1 to 63 of A-Z a-z 0-9 _ . - starting with a letter or a digit"),
    "width": _whole(1, MAX_SIDE),
    "height": _whole(1, MAX_SIDE),
    "fit": _one_of(*FITS),
    "gravity": (_is_gravity, f"{_either((*COMPASS, *SMART))} or a focal point x,y in 0..1"),
    "enlarge": _FLAG,
    "format": _one_of(*OUTPUTS, "auto"),
    "quality": _whole(1, 100),
    "lossless": _FLAG,
    "background": _like(_COLOUR, "a colour rrggbb or rrggbbaa in hex"),
    "trim": _whole(0, 255),
    "rotate": _one_of(0, 90, 180, 270),
    "flip": _FLAG,
    "flop": _FLAG,
    "dpr": (lambda v: isinstance(v, float) and 0.1 <= v <= 10, "a number from 0.1 to 10"),
    "linear": _FLAG,
    "keep": _one_of(*KEEPS),
}


def _canonical(rendition: Rendition) -> Iterator[tuple[str, object]]:
    """Normalize fields with several spellings, so that equal values compare equal. The rules refuse wrong types."""
    for field in ("gravity", "format"):
        value = getattr(rendition, field)
        if isinstance(value, str):
            yield field, _SYNONYMS.get(value, value)
    if isinstance(rendition.gravity, str) and (match := _focus(rendition.gravity)) and _is_gravity(rendition.gravity):
        yield "gravity", ",".join(f"{round(float(part), 4):g}" for part in match.groups())
    if isinstance(rendition.background, str):
        colour = rendition.background.removeprefix("#").lower()
        yield "background", colour[:6] if len(colour) == 8 and colour.endswith("ff") else colour
    if isinstance(rendition.dpr, int | float) and not isinstance(rendition.dpr, bool):
        yield "dpr", round(float(rendition.dpr), 2)


# Tokens of the text form that stand for one value, and those with a value of their own.
_WORDS: Final[dict[str, tuple[str, object]]] = {
    **{fit: ("fit", fit) for fit in FITS},
    **{gravity: ("gravity", gravity) for gravity in (*COMPASS, *SMART)},
    "enlarge": ("enlarge", True),
    "noenlarge": ("enlarge", False),
    **{name: ("format", name) for name in (*OUTPUTS, "auto")},
    "lossless": ("lossless", True),
    **{f"rotate{degrees}": ("rotate", degrees) for degrees in (90, 180, 270)},
    **{flag: (flag, True) for flag in ("flip", "flop", "linear")},
    **{f"keep{keep}": ("keep", keep) for keep in KEEPS},
}
_WORD_OF: Final = {meaning: word for word, meaning in _WORDS.items()}
_VALUED: Final[tuple[tuple[str, str, Callable[[str], object], Callable[[Any], str]], ...]] = (
    (
        "gravity",
        r"at([0-9.]+x[0-9.]+)",
        lambda t: t.replace("x", ","),
        lambda v: "at" + v.replace(",", "x"),
    ),
    ("quality", r"q([0-9]{1,3})", int, "q{}".format),
    ("background", r"bg([0-9a-fA-F]+)", str, "bg{}".format),
    ("trim", r"trim([0-9]{1,3})", int, "trim{}".format),
    ("dpr", r"dpr([0-9]{1,2}|[0-9]{0,2}\.[0-9]{1,2})", float, "dpr{:g}".format),
)


def _meaning(word: str) -> tuple[str, object]:
    """The field that one token of the text form sets, and its value."""
    word = _SYNONYMS.get(word, word)
    if word in _WORDS:
        return _WORDS[word]
    for field, pattern, value_of, _ in _VALUED:
        if match := re.fullmatch(pattern, word):
            return field, value_of(match[1])
    allowed = f"words {_either(_WORDS)}, atXxY, qN, bgRRGGBB, trimN, dprN"
    raise InvalidRequest.expected("rendition", allowed, word)


def _text(rendition: Rendition) -> str:
    """The text form without the name: the size, then a token for each field that differs from its default."""
    words = [f"{rendition.width or ''}x{rendition.height or ''}"]
    texts = {field: text_of for field, _, _, text_of in _VALUED}
    for field in FIELDS:
        value = getattr(rendition, field)
        if field in ("name", "width", "height") or value == _DEFAULTS[field]:
            continue
        words.append(_WORD_OF.get((field, value)) or texts[field](value))
    return "-".join(words)
