from __future__ import annotations

import pytest

from tinypics.aws.settings import Settings
from tinypics.errors import InvalidRequest
from tinypics.rendition import Rendition


def test_without_an_environment_an_upload_becomes_one_thumbnail() -> None:
    settings = Settings.from_environment({})
    assert settings.renditions == (Rendition(width=128, height=128),)
    assert (settings.output_bucket, settings.in_folder) == (None, False)


@pytest.mark.parametrize(
    ("environment", "read", "written"),
    [
        ({}, {"original-pics"}, {"tiny-pics"}),
        ({"SOURCE_BUCKETS": "", "OUTPUT_BUCKETS": " , "}, {"original-pics"}, {"tiny-pics"}),
        ({"OUTPUT_BUCKET": "out"}, {"original-pics"}, {"out"}),
        ({"SOURCE_BUCKETS": "a, arn:aws-cn:s3:::b,", "OUTPUT_BUCKETS": "c"}, {"a", "b"}, {"c"}),
        ({"OUTPUT_BUCKET": "out", "OUTPUT_BUCKETS": "arn:aws:s3:::c"}, {"original-pics"}, {"out", "c"}),
    ],
)
def test_an_event_may_name_the_buckets_that_are_listed_and_never_any(
    environment: dict[str, str], read: set[str], written: set[str]
) -> None:
    settings = Settings.from_environment({f"TINYPICS_{name}": text for name, text in environment.items()})
    assert (set(settings.source_buckets), set(settings.output_buckets)) == (read, written)


@pytest.mark.parametrize(
    ("text", "count", "in_folder"),
    [("128x128", 1, False), ("thumb=128x128", 1, True), ("128x128, 800x-webp", 2, True)],
)
def test_several_or_named_renditions_go_into_a_folder(text: str, count: int, in_folder: bool) -> None:
    settings = Settings.from_environment({"TINYPICS_RENDITIONS": text, "TINYPICS_OUTPUT_BUCKET": "out"})
    assert (len(settings.renditions), settings.in_folder, settings.output_bucket) == (count, in_folder, "out")


def test_what_the_stack_watches_comes_from_the_environment() -> None:
    assert [Settings.from_environment(found).prefix for found in ({}, {"TINYPICS_PREFIX": "in/"})] == ["", "in/"]


def test_a_bad_rendition_is_named_with_its_variable() -> None:
    with pytest.raises(InvalidRequest, match='TINYPICS_RENDITIONS: .*"axb"'):
        Settings.from_environment({"TINYPICS_RENDITIONS": "128x128,axb"})


def test_how_outputs_are_handled_comes_from_the_environment() -> None:
    handling = Settings.from_environment(
        {
            "TINYPICS_CACHE_CONTROL": "max-age=60",
            "TINYPICS_STORAGE_CLASS": "STANDARD_IA",
            "TINYPICS_TAGS": "team=photos&empty=",
            "TINYPICS_URL_BASE": "https://cdn.example/",
            "TINYPICS_FOLLOW_DELETES": "false",
        }
    ).handling
    assert (handling.cache_control, handling.storage_class) == ("max-age=60", "STANDARD_IA")
    assert handling.tags == {"team": "photos", "empty": ""}
    assert (handling.url_base, handling.follow_deletes) == ("https://cdn.example/", False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TINYPICS_TAGS", "just-a-word"),
        ("TINYPICS_TAGS", "&".join(f"t{n}=1" for n in range(11))),
        ("TINYPICS_FOLLOW_DELETES", "yes"),
    ],
)
def test_a_bad_variable_is_named(name: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{name}: expected"):
        Settings.from_environment({name: text})


def test_the_memory_limit_is_a_part_of_the_functions_memory() -> None:
    small, large = (
        Settings.from_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": text}).limits.memory for text in ("512", "1769")
    )
    assert 200 * 2**20 < small < 512 * 2**20
    assert small < large < 1769 * 2**20


@pytest.mark.parametrize(("megabytes", "seconds"), [("128", 2), ("512", 8), ("1769", 30), ("10240", 30)])
def test_what_hangs_takes_half_a_minute_at_every_size(megabytes: str, seconds: int) -> None:
    found = Settings.from_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": megabytes}).limits.cpu_seconds
    assert found == seconds
    assert 27 < found * 1769 / int(megabytes) < 31 or found == 30
