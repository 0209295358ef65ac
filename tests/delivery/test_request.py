from __future__ import annotations

from typing import Any

import pytest

from tinypics.delivery.request import Request
from tinypics.errors import InvalidRequest, LoopRefused
from tinypics.image.rendition import Rendition

SQUARE = Rendition(width=128, height=128)
GOOD: dict[str, Any] = {
    "bucket": "original-pics",
    "key": "a.jpg",
    "dest_bucket": "tiny-pics",
    "renditions": (SQUARE,),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bucket": ""}, "bucket: expected the name of a bucket"),
        ({"dest_bucket": ""}, "dest_bucket: expected the name of a bucket"),
        ({"key": "../up.jpg"}, "key: expected"),
        ({"dest_key": "a//b"}, "dest_key: expected"),
        ({"dest_key": "b.jpg", "in_folder": True}, "dest_key: expected nothing when there is a list"),
        ({"renditions": ()}, "renditions: expected at least one"),
        ({"renditions": (SQUARE, Rendition(width=64))}, "renditions: expected one rendition for one key"),
        (
            {"renditions": (SQUARE, SQUARE), "in_folder": True},
            'renditions: expected each rendition once, got "128x128"',
        ),
        (
            {"renditions": (Rendition(name="a", width=1), Rendition(name="a", width=2)), "in_folder": True},
            'each rendition once, got "a"',
        ),
    ],
)
def test_a_request_with_a_field_that_is_not_allowed_cannot_exist(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        Request(**GOOD | change)


def test_the_recipe_hash_tells_recipes_apart() -> None:
    def recipe(*texts: str, **fields: Any) -> str:
        return Request("i", "k", "o", tuple(map(Rendition.parse, texts)), in_folder=True, **fields).recipe

    assert len({recipe("128x128"), recipe("128x"), recipe("128x128", "128x"), recipe("128x128", lenient=True)}) == 4
    assert recipe("128x128-q80", "64x") == recipe("128x128-q80", "64x")


def test_one_bucket_for_both_needs_a_prefix_that_keeps_them_apart() -> None:
    one = {**GOOD, "dest_bucket": "original-pics"}
    assert Request(**one, prefix="thumbs/").base_key == "thumbs/a.jpg"
    with pytest.raises(LoopRefused, match="or an output prefix"):
        Request(**one, prefix="thumbs/", dest_key="b.jpg")
    with pytest.raises(LoopRefused, match="outside of the output prefix thumbs/"):
        Request(**{**one, "key": "thumbs/a.jpg"}, prefix="thumbs/")


def test_the_same_bucket_in_and_out_is_refused() -> None:
    with pytest.raises(LoopRefused, match="another bucket than the source's"):
        Request(**GOOD | {"dest_bucket": "original-pics"})
