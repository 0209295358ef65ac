"""The options of a rendition: how each is checked, parsed from its text form and printed there. One row for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from tinypics.errors import InvalidRequest
from tinypics.image.formats import OUTPUTS
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Fit = Literal["cover", "contain", "fill", "inside", "outside"]
Kernel = Literal["lanczos3", "nearest"]
Keep = Literal["none", "icc", "copyright", "all"]

FITS: Final = get_args(Fit)
KERNELS: Final = get_args(Kernel)
KEEPS: Final = get_args(Keep)
COMPASS: Final = ("centre", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
SMART: Final = ("entropy", "attention")
MAX_SIDE: Final = 16_384
SYNONYMS: Final = {"center": "centre", "jpg": "jpeg"}

# Patterns are compiled on first use, because most renditions need none of them.
NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
_FOCUS: Final = r"([01]|[01]?\.[0-9]{1,12}),([01]|[01]?\.[0-9]{1,12})"
_COLOUR: Final = r"[0-9a-f]{6}|[0-9a-f]{8}"


@value
class Option:
    """One option: its check, and its tokens in the text form, if it has any."""

    field: str
    is_valid: Callable[[Any], bool]
    allowed: str
    """The valid values, for a message."""
    words: Mapping[str, object] | None = None
    """Tokens that stand for one value."""
    pattern: str | None = None
    """A token with a value of its own, which is the group of this pattern."""
    shape: str = ""
    """That token for a message, like `qN`."""
    read: Callable[[str], object] = str
    """The value from that group."""
    write: Callable[[Any], str] = str
    """The token from the value."""
    normalize: Callable[[Any], Any] | None = None
    """One of several spellings to the canonical one, so that equal values compare equal."""

    def token(self, value: object) -> str:
        """The token of a value that differs from the default."""
        words = {meaning: word for word, meaning in (self.words or {}).items()}
        return words.get(value) or self.write(value)


def either(names: Iterable[object]) -> str:
    """The names for a message."""
    return ", ".join(map(str, names))


def _whole(low: int, high: int) -> tuple[Callable[[Any], bool], str]:
    return lambda v: type(v) is int and low <= v <= high, f"a whole number from {low} to {high}"


def _one_of(*names: object) -> tuple[Callable[[Any], bool], str]:
    return lambda v: any(type(v) is type(name) and v == name for name in names), either(names)


def _like(pattern: str, allowed: str) -> tuple[Callable[[Any], bool], str]:
    return lambda v: isinstance(v, str) and re.fullmatch(pattern, v) is not None, allowed


def match_focus(gravity: str) -> re.Match[str] | None:
    """The two numbers of a focal point."""
    return None if gravity in COMPASS else re.fullmatch(_FOCUS, gravity)


def _is_gravity(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    match = match_focus(value)
    return max(float(match[1]), float(match[2])) <= 1 if match else value in (*COMPASS, *SMART)


def _normalize_gravity(value: Any) -> Any:
    value = _normalize_word(value)
    if _is_gravity(value) and (match := match_focus(value)):
        return ",".join(f"{round(float(part), 4):g}" for part in match.groups())
    return value


def _normalize_word(value: Any) -> Any:
    return SYNONYMS.get(value, value) if isinstance(value, str) else value


def _normalize_colour(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    colour = value.removeprefix("#").lower()
    return colour[:6] if len(colour) == 8 and colour.endswith("ff") else colour


def _normalize_ratio(value: Any) -> Any:
    return round(float(value), 2) if isinstance(value, int | float) and not isinstance(value, bool) else value


_FLAG: Final = (lambda v: isinstance(v, bool), "true or false")

# In the order of the fields of `Rendition`. A message names the first invalid one.
OPTIONS: Final = (
    Option("name", *_like(NAME, "1 to 63 of A-Z a-z 0-9 _ . - starting with a letter or a digit")),
    Option("width", *_whole(1, MAX_SIDE)),
    Option("height", *_whole(1, MAX_SIDE)),
    Option("fit", *_one_of(*FITS), {fit: fit for fit in FITS}),
    Option(
        "gravity", _is_gravity, f"{either((*COMPASS, *SMART))} or a focal point x,y in 0..1",
        {gravity: gravity for gravity in (*COMPASS, *SMART)},
        r"at([0-9.]+x[0-9.]+)", "atXxY", lambda text: text.replace("x", ","), lambda v: "at" + v.replace(",", "x"),
        _normalize_gravity,
    ),
    Option("enlarge", *_FLAG, {"enlarge": True, "noenlarge": False}),
    Option(
        "format", *_one_of(*OUTPUTS, "auto"), {name: name for name in (*OUTPUTS, "auto")}, normalize=_normalize_word
    ),
    Option("quality", *_whole(1, 100), None, r"q([0-9]{1,3})", "qN", int, "q{}".format),
    Option("lossless", *_FLAG, {"lossless": True}),
    Option("subsampling", *_one_of("4:4:4", "4:2:0"), {"444": "4:4:4", "420": "4:2:0"}),
    Option(
        "background", *_like(_COLOUR, "a colour rrggbb or rrggbbaa in hex"), None,
        r"bg([0-9a-fA-F]+)", "bgRRGGBB", str, "bg{}".format, _normalize_colour,
    ),
    Option("trim", *_whole(0, 255), None, r"trim([0-9]{1,3})", "trimN", int, "trim{}".format),
    Option("rotate", *_one_of(0, 90, 180, 270), {f"rotate{degrees}": degrees for degrees in (90, 180, 270)}),
    Option("flip", *_FLAG, {"flip": True}),
    Option("flop", *_FLAG, {"flop": True}),
    Option(
        "dpr", lambda v: isinstance(v, float) and 0.1 <= v <= 10, "a number from 0.1 to 10", None,
        r"dpr([0-9]{1,2}|[0-9]{0,2}\.[0-9]{1,2})", "dprN", float, "dpr{:g}".format, _normalize_ratio,
    ),
    Option("linear", *_FLAG, {"linear": True}),
    Option("kernel", *_one_of(*KERNELS), {kernel: kernel for kernel in KERNELS}),
    Option("keep", *_one_of(*KEEPS), {f"keep{keep}": keep for keep in KEEPS}),
)  # fmt: skip

WORDS: Final = {word: (option.field, value) for option in OPTIONS for word, value in (option.words or {}).items()}
"""Tokens that stand for one value of a field."""


def parse_token(token: str) -> tuple[str, object]:
    """The field that one token of the text form sets, and its value.

    :raises InvalidRequest: no option has such a token.
    """
    token = SYNONYMS.get(token, token)
    if token in WORDS:
        return WORDS[token]
    valued = [option for option in OPTIONS if option.pattern]
    for option in valued:
        if match := re.fullmatch(option.pattern or "", token):
            return option.field, option.read(match[1])
    from difflib import get_close_matches  # slow to load, and only a message needs it

    near = get_close_matches(token, [*WORDS, *(option.shape for option in valued)], n=3, cutoff=0)
    raise InvalidRequest.expected("rendition", f"a word of docs/formats.md; the nearest are {either(near)}", token)
