from __future__ import annotations

import pytest

from tests.transformed import template
from tinypics.aws import settings
from tinypics.aws.settings import Settings
from tinypics.errors import InvalidConfiguration, InvalidRequest
from tinypics.image.rendition import Rendition


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


def test_other_renditions_are_checked_alike() -> None:
    assert Settings().with_renditions(["32x32", "a=64x64"]).in_folder
    with pytest.raises(InvalidRequest, match='renditions: expected each rendition once, got "32x32"'):
        Settings().with_renditions(["32x32", "32x32-cover"])


def test_what_the_stack_watches_comes_from_the_environment() -> None:
    assert [Settings.from_environment(found).prefix for found in ({}, {"TINYPICS_PREFIX": "in/"})] == ["", "in/"]


def test_a_bad_rendition_is_named_with_its_variable() -> None:
    with pytest.raises(InvalidConfiguration, match='TINYPICS_RENDITIONS: rendition: .*"axb"'):
        Settings.from_environment({"TINYPICS_RENDITIONS": "128x128,axb"})


def test_the_empty_text_of_an_unset_parameter_is_the_default() -> None:
    assert Settings.from_environment(dict.fromkeys(settings.READERS, "")) == Settings()


def test_every_variable_is_read() -> None:
    named = [name for key, name in vars(settings).items() if key.isupper() and isinstance(name, str)]
    assert set(settings.READERS) == {name for name in named if name.startswith(("TINYPICS_", "AWS_"))}


def test_the_storage_classes_are_the_templates() -> None:
    assert template()["Parameters"]["StorageClass"]["AllowedValues"] == ["", *settings.STORAGE_CLASSES]


def test_how_outputs_are_handled_comes_from_the_environment() -> None:
    handling = Settings.from_environment(
        {
            "TINYPICS_CACHE_CONTROL": "max-age=60",
            "TINYPICS_STORAGE_CLASS": "STANDARD_IA",
            "TINYPICS_TAGS": "team=photos&empty=",
            "TINYPICS_URL_BASE": "https://cdn.example/",
            "TINYPICS_SIZES": "50vw",
            "TINYPICS_FOLLOW_DELETES": "false",
        }
    ).handling
    assert (handling.cache_control, handling.storage_class) == ("max-age=60", "STANDARD_IA")
    assert handling.tags == {"team": "photos", "empty": ""}
    assert (handling.url_base, handling.sizes) == ("https://cdn.example/", "50vw")
    assert handling.follow_deletes is False


WRONG = {
    "PREFIX": ["/photos", "a//b/", "../", "a/./", "a\n/", "x" * 1024, "\ud800"],
    "SOURCE_BUCKETS": ["my pics", "s3://pics", "a,b/c", "arn:aws:s3:eu-west-1:123456789012:accesspoint/pics"],
    "OUTPUT_BUCKET": ["my pics", "pics/thumbs", "a,b", " "],
    "OUTPUT_BUCKETS": ["pics/thumbs", "pïcs"],
    "OUTPUT_PREFIX": ["thumbs", "/", "/thumbs/", "a//", "./", "thumbs/../", "a\t/", "x" * 1024 + "/"],
    "CACHE_CONTROL": ["max-age=1\nx-amz-acl: public-read", "max-age=1\r", "ü", " max-age=1", "max-age=1 ", "\x7f"],
    "STORAGE_CLASS": ["standard", "DEEP_ARCHIVE", "STANDARD ", "STANDARD|STANDARD_IA"],
    "TAGS": [
        "just-a-word",
        "a=1&",
        "&".join(f"t{n}=1" for n in range(11)),
        "a=1&a=2",
        "=1",
        "aws:a=1",
        "AWS:a=1",
        "a=1%0A",
        "a=1%ff",
        "a=1<2",
        "a!=1",
        "a=1;b",
        f"{'k' * 129}=1",
        f"k={'v' * 257}",
        f"{'%F0%90%8C%B0' * 65}=1",  # a letter of two UTF-16 code units
    ],
    "SIZES": [" 50vw", "50vw\n", "größer", "x" * 501],
    "URL_BASE": [
        "cdn.example.com/",
        "//cdn.example.com/",
        "http://cdn.example.com/",
        "http://127.0.0.1.example.com/",
        "ftp://cdn.example.com/",
        "https://",
        "https:///",
        "https://cdn.example.com",
        "https://cdn.example.com/img",
        "https://cdn.example.com/?a=/",
        "https://cdn.example.com/#/",
        "https://cdn.example.com/ /",
        'https://cdn.example.com/"/',
        "https://cdn.example.com/,/",
        "https://cdn.example.com/\n",
        "https://cdn.example.com/ü/",
        "javascript:alert(1)/",
    ],
    "FOLLOW_DELETES": ["yes", "True", "1", " true"],
    "RENDITIONS": ["foo", "128x128,", ",", "128x128,128x128", "a=1x1,a=2x2", "128x128\t,64x64", "64x64,a=9x9-q0", " "],
    "BACKFILL_BUCKET": ["my pics", "a/b"],
    "STATE_MACHINE": ["resize", "arn:aws:lambda:eu-west-1:123456789012:function:resize"],
    "API_URL": ["example.com", "ftp://example.com", "https://example.com/ x"],
}


@pytest.mark.parametrize(("name", "text"), [(f"TINYPICS_{name}", text) for name in WRONG for text in WRONG[name]])
def test_an_invalid_variable_is_reported_by_name_allowed_values_and_given_value(name: str, text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=rf"^{name}: .*expected .+, got .+") as refused:
        Settings.from_environment({name: text})
    assert refused.value.message.isprintable()
    assert isinstance(settings.load({name: text}), InvalidConfiguration)


def test_every_variable_can_be_wrong() -> None:
    assert {f"TINYPICS_{name}" for name in WRONG} == {*settings.READERS} - {settings.MEMORY_MB}


@pytest.mark.parametrize("text", ["much", "", "0", "64", "-512", "512.0", "512 MB", "5e2", "٥١٢", "1" * 5000])
def test_the_memory_is_a_number(text: str) -> None:
    environment = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": text}
    if not text:
        assert Settings.from_environment(environment).limits == Settings().limits
        return
    with pytest.raises(InvalidConfiguration, match="^AWS_LAMBDA_FUNCTION_MEMORY_SIZE: expected a whole number of MB"):
        Settings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PREFIX", "Fotos ü/ "),
        ("PREFIX", "..a"),
        ("OUTPUT_PREFIX", "thumbs/"),
        ("CACHE_CONTROL", "public, max-age=86400"),
        ("TAGS", f"{'k' * 128}={'v' * 256}"),
        ("TAGS", "Stra%C3%9Fe=a+b/c:d@e_f.g-h%2Bi%3Dj&leer="),
        ("URL_BASE", "https://cdn.example.com:8443/~a/b%20c/"),
        ("URL_BASE", "http://127.0.0.1:8000/"),
        ("URL_BASE", "http://localhost/"),
        ("SIZES", "(max-width: 600px) 100vw, 600px"),
        ("RENDITIONS", " 128x128 ,  800x-webp"),
    ],
)
def test_a_right_variable_is_taken(name: str, text: str) -> None:
    assert Settings.from_environment({f"TINYPICS_{name}": text}) != Settings()


def test_right_variables_of_the_api_are_taken() -> None:
    machine = "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:tinypics-resize"
    environment = {"TINYPICS_STATE_MACHINE": machine, "TINYPICS_API_URL": "http://127.0.0.1:4566/_aws/execute-api/a"}
    assert settings.load(environment) == Settings()


@pytest.mark.parametrize("prefix", ["thumbs/", "thumbs/in/"])
def test_uploads_that_all_count_as_outputs_are_a_wrong_configuration(prefix: str) -> None:
    both = {"TINYPICS_PREFIX": prefix, "TINYPICS_OUTPUT_PREFIX": "thumbs/", "TINYPICS_OUTPUT_BUCKET": "pics"}
    assert Settings.from_environment(both | {"TINYPICS_SOURCE_BUCKETS": "in,pics"}).prefix == prefix
    with pytest.raises(InvalidConfiguration, match="^TINYPICS_PREFIX: expected keys outside of .* thumbs/, .* got"):
        Settings.from_environment(both | {"TINYPICS_SOURCE_BUCKETS": "pics,in"})


def test_an_error_that_is_kept_is_raised_anew_each_time() -> None:
    loaded = settings.load({"TINYPICS_RENDITIONS": "foo"})
    assert isinstance(loaded, InvalidConfiguration)
    for _ in range(2):
        with pytest.raises(InvalidConfiguration) as raised:
            settings.require_valid(loaded)
        assert raised.value is not loaded
        assert raised.value.message == loaded.message
    assert loaded.__traceback__ is None
    assert settings.require_valid(Settings()) == Settings()


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
