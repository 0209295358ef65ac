"""The template's pattern of `Renditions` accepts the same texts as the function, with known exceptions.

CloudFormation uses Java's regular expressions, look-ahead included, and matches the whole value (its user guide,
"Using regular expressions in CloudFormation templates" and "Parameters"). Its quotas do not limit the length. The
pattern has no backslash, so that it is the same text in YAML, in JSON and here. Its two loops are possessive (`*+`,
`++`), which Java iterates; any other loop over a group recurses in Java, and a thousand renditions would end in a
StackOverflowError.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.image.test_rendition import renditions
from tests.transformed import template
from tinypics.aws.settings import READERS, RENDITIONS
from tinypics.errors import InvalidConfiguration
from tinypics.image import options as code
from tinypics.image.options import MAX_SIDE
from tinypics.image.rendition import Rendition

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")

ANY: Final = "[0-9]"


def up_to(most: int, *, zero: bool = False) -> str:
    """A pattern of whole numbers from 1 (or 0) to `most`, with leading zeros up to the same length."""
    digits = str(most)
    ways = [f"{ANY}{{1,{len(digits) - 1}}}"]
    for place, digit in enumerate(digits):
        last = place == len(digits) - 1
        under = [str(each) for each in range(int(digit) + last)]  # a prefix after which all digits are allowed
        if under:
            rest = "" if last else ANY * (len(digits) - place - 1)
            ways.append(digits[:place] + (under[0] if len(under) == 1 else f"[{under[0]}-{under[-1]}]") + rest)
    return ("" if zero else f"(?!0+(?!{ANY}))") + f"(?:{'|'.join(ways)})"


FRACTION: Final = f"(?:[01]|0?[.]{ANY}{{1,12}}|1[.]0{{1,12}})"

VALUED: Final = {
    "gravity": f"at{FRACTION}x{FRACTION}",
    "quality": f"q{up_to(100)}",
    "background": "bg[0-9A-Fa-f]{6}(?:[0-9A-Fa-f]{2})?",
    "trim": f"trim{up_to(255, zero=True)}",
    "dpr": f"dpr(?:0?[1-9](?:[.]{ANY}{{1,2}})?|10(?:[.]00?)?|0{{0,2}}[.][1-9]{ANY}?)",
}
"""The word of each field, with its allowed values."""


def pattern() -> str:
    """The pattern from the parser's tables."""
    side = f"(?:{up_to(MAX_SIDE)})?"
    size = f"(?!x(?!{ANY})){side}x{side}"
    words = [*code.WORDS, *code.SYNONYMS, *VALUED.values()]
    one = f"(?:{code.NAME}=)?{size}(?:-(?:{'|'.join(words)})(?=[-, ]|$))*+"
    return f"^(?:(?:^|(?!^),) *{one} *(?=,|$))++$"


PATTERN: Final = template()["Parameters"]["Renditions"]["AllowedPattern"]


def test_the_template_has_the_pattern_of_the_parsers_tables() -> None:
    assert pattern() == PATTERN, "put it into template.yaml"
    assert VALUED.keys() == {option.field for option in code.OPTIONS if option.pattern}
    assert "\\" not in PATTERN


def matches(text: str) -> bool:
    return re.fullmatch(PATTERN, text) is not None


def refusal(text: str) -> str | None:
    """The function's message about this text."""
    try:
        READERS[RENDITIONS]("Renditions", text)
    except InvalidConfiguration as error:
        return error.message
    return None


# Lists that no pattern of reasonable length can refuse: the parser's message, by the example on the page.
LEFT: Final = {
    "128x128-q80-q90": r"rendition: expected \w+ once, got ",
    "128x128-jpeg-lossless": r"format: expected .* with lossless, got ",
    "9000x-dpr2": r"dpr: expected sides of at most 16384 pixels after multiplying, got ",
    "a=128x128,a=64x64": r"renditions: expected each rendition once, got ",
}


def check(text: str) -> None:
    reason = refusal(text)
    if reason is None:
        assert matches(text)
    elif matches(text):
        assert any(re.match(f"Renditions: {left}", reason) for left in LEFT.values()), reason


def test_the_page_lists_the_exceptions_of_the_pattern() -> None:
    said = PAGE.split("\n## Valid `Renditions`\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^\| [^|]+ \| `Renditions: ([^`]+)` \|$", said, re.MULTILINE) == list(LEFT)


@pytest.mark.parametrize("text", LEFT)
def test_the_function_refuses_these_exceptions(text: str) -> None:
    assert matches(text)
    assert re.match(f"Renditions: {LEFT[text]}", refusal(text) or "")


def test_the_empty_text_is_the_functions_default_and_no_value_of_the_parameter() -> None:
    assert not matches("")


# --- Texts: canonical, other valid, and nearly valid ones.

_SPACES = st.text(" ", max_size=2)
_MORE = re.findall(
    r"\S+",
    """
    64 800x 128x128 x600 16384x 16385 00001x 00000 a= a.b-c_d= q80 q100 q101 q000 q1000 WEBP at0.3x0.7 at1.0x1 at1.1x.5
    at01x0 bg bgff0000 bgFF0000ff bgabc trim0 trim255 trim256 dpr2 dpr10.00 dpr10.01 dpr.05 dpr0.1 dpr00.1 dpr1.5
    dpr1.555 dpr.5 dpr0
    """,
)
_TOKENS = st.sampled_from(
    (*code.WORDS, *code.SYNONYMS, *"x=-,. 0\nü٣", *_MORE),
)
_NEAR = st.lists(_TOKENS, max_size=9).map("".join) | st.lists(_TOKENS, max_size=9).map("-".join)
_LISTS = st.lists(st.tuples(_SPACES, renditions().map(str), _SPACES).map("".join), min_size=1, max_size=3).map(",".join)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid text with a few characters removed, inserted or doubled."""
    text = draw(_LISTS)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        end = min(len(text), place + draw(st.integers(0, 3)))
        text = text[:place] + draw(st.sampled_from(["", text[place:end] * 2]) | _TOKENS) + text[end:]
    return text


@given(_LISTS)
def test_every_list_of_renditions_passes(text: str) -> None:
    assert matches(text)


@pytest.mark.exhaustive
@settings(max_examples=300)
@given(_NEAR | mutated() | st.text(max_size=20))
@example(",800x")
@example("800x,")
@example("800x,,64x")
def test_pattern_and_parser_agree_except_for_the_listed_exceptions(text: str) -> None:
    check(text)


@pytest.mark.parametrize(("field", "word"), [("quality", "q"), ("trim", "trim")])
def test_every_number_of_three_digits_is_allowed_or_refused_by_both(field: str, word: str) -> None:
    for number in range(1000):
        for text in {str(number), f"{number:02}", f"{number:03}"}:
            assert matches(f"9x9-{word}{text}") == (refusal(f"9x9-{word}{text}") is None), (field, text)


@pytest.mark.parametrize("side", ["{}x", "x{}", "{}x{}"])
def test_every_side_is_allowed_or_refused_by_both(side: str) -> None:
    edges = [
        0,
        1,
        9,
        10,
        99,
        100,
        999,
        1000,
        9999,
        10000,
        15999,
        16000,
        16299,
        16300,
        16379,
        16380,
        16384,
        16385,
        16390,
    ]
    for number in [*edges, 16399, 16400, 17000, 20000, 99999, 100000]:
        for width in range(1, 7):
            text = side.format(*[f"{number:0{width}}"] * 2)
            assert matches(text) == (refusal(text) is None), text


def test_every_ratio_and_every_fraction_is_allowed_or_refused_by_both() -> None:
    whole = ["", "0", "00", "000", "1", "01", "001", "2", "9", "09", "10", "010", "11", "99"]
    for before in whole:
        for after in ["", ".", ".0", ".00", ".05", ".1", ".10", ".5", ".99", ".001", ".000000000001", ".0000000000001"]:
            for text in (f"9x9-dpr{before}{after}", f"9x9-at{before}{after}x0", f"9x9-at.5x{before}{after}"):
                assert matches(text) == (refusal(text) is None), text


@pytest.mark.parametrize("count", [1, 50])
def test_a_long_text_that_nearly_matches_is_refused_at_once(count: int) -> None:
    text = ",".join(["a.b-c" * 12 + "=128x128" + "-northeast" * 40] * count)
    assert len(text) <= 4096 * 10
    assert not matches(f"{text}!")  # a backtracking pattern would not end


def test_the_defaults_of_the_template_pass() -> None:
    assert matches(template()["Parameters"]["Renditions"]["Default"])
    assert Rendition.parse(template()["Parameters"]["Renditions"]["Default"])
