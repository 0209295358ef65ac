"""Addresses of an answer's outputs, and where their prefix comes from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tinypics.aws.settings import Settings
from tinypics.cli import url
from tinypics.cli.terminal import CommandFailed


def target(cdn_url: str | None, **variables: str) -> Any:
    """A stack whose function has these environment variables."""
    found = {"MemorySize": 512, "Environment": {"Variables": {"TINYPICS_OUTPUT_BUCKET": "tiny-pics", **variables}}}
    functions = SimpleNamespace(get_function_configuration=lambda FunctionName: found)  # noqa: N803
    stack = SimpleNamespace(cdn_url=cdn_url, function="resize", signing_secret=None)
    return SimpleNamespace(stack=stack, cloud=SimpleNamespace(client=lambda service: functions))


def test_an_address_has_no_output_prefix() -> None:
    listed = url.of_outputs(target("https://a.example/", TINYPICS_OUTPUT_PREFIX="thumbs/"))
    assert listed is not None
    assert listed({"dest_key": "thumbs/ü.jpg"}) == ["https://a.example/%C3%BC.jpg"]
    made = [{"dest_key": "thumbs/a.jpg/8x.jpg"}, {"dest_key": "thumbs/a.jpg/16x.webp"}]
    assert listed({"renditions": made}) == ["https://a.example/a.jpg/8x.jpg", "https://a.example/a.jpg/16x.webp"]
    assert listed({"status": "FAILED"}) == []


def test_a_stack_without_addresses_has_none_for_its_outputs() -> None:
    assert url.of_outputs(target(None)) is None


def test_an_own_base_comes_before_the_stacks() -> None:
    settings = Settings.from_environment({"TINYPICS_OUTPUT_BUCKET": "pics"})
    assert url.base_of(target("https://a.example/"), settings) == "https://a.example/"
    own = Settings.from_environment({"TINYPICS_URL_BASE": "https://own.example/", "TINYPICS_OUTPUT_BUCKET": "pics"})
    assert url.base_of(target("https://a.example/"), own) == "https://own.example/"
    with pytest.raises(CommandFailed, match="Cdn=on"):
        url.base_of(target(None), settings)


def test_a_stack_without_a_secret_signs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    options: dict[str, Any] = {"base": "https://a.example/", "version": False, "expires": None}
    with pytest.raises(CommandFailed, match="Dynamic=signed"):
        url.url(target(None), "cat.jpg", "800x", sign=True, **options)
    url.url(target(None), "cat.jpg", None, sign=False, **options)
    assert capsys.readouterr().out == "https://a.example/cat.jpg\n"


@pytest.mark.parametrize(
    ("rendition", "hinted"),
    [
        ("hero", False),
        ("hero.auto", False),
        ("800x", False),
        ("800x.webp", False),
        ("801x", True),
        ("other.webp", True),
    ],
)
def test_an_address_that_needs_a_signature_is_printed_with_that_hint(
    rendition: str, hinted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {"base": "https://a.example/", "version": False, "expires": None, "sign": False}
    url.url(target(None, TINYPICS_RENDITIONS="hero=400x,800x"), "cat.jpg", rendition, **options)
    printed = capsys.readouterr()
    assert printed.out.startswith("https://a.example/cat.jpg/")
    assert ("needs --sign" in printed.err) is hinted
