"""The selection of a backfill, its caps and its estimate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tinypics import prices
from tinypics.backfill.estimate import Caps, estimate, list_requests, resize_requests, run_cost
from tinypics.backfill.survey import Selection, Survey
from tinypics.errors import CapExceeded
from tinypics.image.limits import MIB
from tinypics.image.rendition import Rendition
from tinypics.store.objects import Listed

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SMALL = (Rendition(width=128, height=128),)


def found(key: str, size: int = 1000, modified: datetime = NOW) -> Listed:
    return Listed(key, size, "etag", modified)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (found("a.jpg"), None),
        (found("in/a.JPEG"), None),
        (found("a.b/c.Heic"), None),
        (found("x.tiff"), None),
        (found("a.jpg", 128 * MIB), None),
        (found("thumbs.jpg"), None),
        (found("thumbs/a.jpg"), "an output"),
        (found("in/", 0), "a folder marker"),
        (found("a.jpg/", 0), "a folder marker"),
        (found("notes.txt"), "not a picture by its name"),
        (found("jpg"), "not a picture by its name"),
        (found("a.jpg/readme"), "not a picture by its name"),
        (found("a.jpg", 0), "empty"),
        (found("a.jpg", 128 * MIB + 1), "larger than the limit"),
        (found("a.jpg", modified=NOW - timedelta(days=2)), "older than asked for"),
    ],
    ids=lambda value: value.key if isinstance(value, Listed) else None,
)
def test_what_is_a_picture_by_its_name_and_size(given: Listed, why: str | None) -> None:
    selection = Selection(output_prefix="thumbs/", since=NOW - timedelta(days=1))
    assert selection.why_not(given) == why


def test_only_keys_below_the_prefix_and_any_name_where_that_is_asked_for() -> None:
    selection = Selection(prefix="in/", any_name=True)
    assert selection.why_not(found("out/a.jpg")) == "outside of the prefix"
    assert selection.why_not(found("in/no-extension")) is None


def survey(*objects: Listed) -> Survey:
    counted = Survey()
    for each in objects:
        counted.add(each, Selection())
    return counted


def test_a_survey_counts_and_survives_as_json() -> None:
    counted = survey(found("a.jpg", 10), found("b.JPG", 20), found("c.png", 5), found("d.txt"), found("e/", 0))
    assert (counted.listed, counted.objects, counted.bytes) == (5, 3, 35)
    assert counted.by_extension == {"jpg": 2, "png": 1}
    assert counted.left_out == {"not a picture by its name": 1, "a folder marker": 1}
    again = Survey.from_dict(counted.to_dict())
    assert again == counted
    again.add(found("f.jpg", 1), Selection())
    assert again.by_extension["jpg"] == 3


def test_caps_allow_their_own_value_and_name_the_exceeded_one() -> None:
    counted = survey(*(found(f"{n}.jpg") for n in range(3)))
    Caps(max_objects=3, max_cost=1).check(counted, 1.0)
    with pytest.raises(CapExceeded, match=r"max_objects: expected at most 2 pictures, got 3"):
        Caps(max_objects=2).check(counted)
    with pytest.raises(CapExceeded, match=r"max_cost: expected at most \$1.00, got an estimate of \$1.01"):
        Caps(max_cost=1).check(counted, 1.01)
    with pytest.raises(CapExceeded, match="max_objects: .*; max_cost: "):
        Caps(max_objects=2, max_cost=1).check(counted, 1.01)


def test_the_options_with_which_a_survey_passes() -> None:
    counted, cost = survey(*(found(f"{n}.jpg") for n in range(3))), 1.01
    options = Caps(max_objects=2, max_cost=1).options(counted, cost)
    assert options == "--max-objects 3 --max-cost 2"
    Caps(max_objects=3, max_cost=2).check(counted, cost)
    assert Caps(max_objects=3, max_cost=1).options(counted, cost) == "--max-cost 2"


def test_a_million_small_photos_cost_about_as_much_as_in_the_table_of_costs() -> None:
    counted = survey(found("a.jpg", 1_800_000))
    counted.listed = counted.objects = 1_000_000
    counted.bytes_by_format["jpeg"] *= 1_000_000
    assert counted.megapixels == pytest.approx(12e6)
    cost = estimate(counted, SMALL, memory_mb=1769, batch=40)
    assert cost.total == pytest.approx(15, abs=1.5)
    assert cost.storage == pytest.approx(0.1, abs=0.02)
    without_function = estimate(counted, SMALL, memory_mb=0, batch=40).total
    seconds = 1e6 * (75 + 12 * 2.3) / 1000
    assert cost.total - without_function == pytest.approx(seconds * 1769 / 1024 * prices.LAMBDA_GB_SECOND_ARM)
    requests = resize_requests(counted.objects, SMALL) + list_requests(counted.listed)
    assert requests == pytest.approx(1e6 * (3 * prices.S3_GET + 2 * prices.S3_PUT), rel=0.05)
    assert without_function - requests < 1.2  # the workflow, and the requests of its batches


def test_more_renditions_more_pictures_and_more_memory_cost_more() -> None:
    counted = survey(found("a.jpg", 10**6), found("b.unknown", 10**6))
    base = estimate(counted, SMALL, memory_mb=1024, batch=10)
    assert estimate(counted, SMALL, memory_mb=2048, batch=10).total > base.total
    both = (*SMALL, Rendition.parse("800x-webp"))
    assert resize_requests(counted.objects, both) > resize_requests(counted.objects, SMALL)
    assert estimate(counted, both, memory_mb=1024, batch=10).storage > 10 * base.storage
    sharp = (Rendition.parse("64x64-dpr2"),)
    assert estimate(counted, sharp, memory_mb=1024, batch=10).storage == base.storage
    assert estimate(Survey(), SMALL, memory_mb=1024, batch=10).total == 0


def test_a_run_costs_its_measured_time_and_three_requests_for_each_other_object() -> None:
    idle = run_cost(0, 0, invocations=0, checked=0)
    assert idle == 0
    assert run_cost(0, 0, invocations=0, checked=10) == pytest.approx(10 * (2 * prices.S3_GET + prices.S3_PUT))
    assert run_cost(0, 100, invocations=0, checked=0) == pytest.approx(100 * prices.LAMBDA_GB_SECOND_ARM)
    one, two = (run_cost(1000, 1, invocations=count, checked=0) for count in (1, 2))
    assert two - one > prices.EXPRESS_REQUEST + prices.STATE_TRANSITION
