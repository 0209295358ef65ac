"""CloudFront's functions, run by Node with the table of cases in `cases.json`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tinypics.aws.serve_settings import ServeSettings
from tinypics.aws.wanted import resolve
from tinypics.errors import InvalidRequest
from tinypics.image.formats import OUTPUTS
from tinypics.image.rendition import Rendition

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "edge"
CASES: dict[str, Any] = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))
NODE = shutil.which("node")

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")

RUN = """
const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const answers = given.events.map(event => new Function(given.code + '; return handler')()(event));
process.stdout.write(JSON.stringify(answers));
"""


def code(name: str, **parameters: str) -> str:
    """A function's code as CloudFormation substitutes it."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    for parameter, value in (CASES["parameters"] | parameters).items():
        text = text.replace(f"${{{parameter}}}", value)
    assert "${" not in text
    return text


def answers(name: str, events: list[dict[str, Any]], **parameters: str) -> list[dict[str, Any]]:
    """The answers of one function to events, by one process of Node."""
    given = json.dumps({"code": code(name, **parameters), "events": events})
    done = subprocess.run([str(NODE), "-e", RUN], input=given, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def fields(values: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": value} for name, value in values.items()}


def request(case: dict[str, Any]) -> dict[str, Any]:
    headers = {"accept": case["accept"]} if "accept" in case else {}
    asked = {"uri": case.get("uri", "/a.jpg/8x.jpg"), "method": "GET", "headers": fields(headers)}
    return {"request": asked | {"querystring": fields(case.get("query", {}))}}


@needs_node
def test_every_address_is_normalised_or_refused() -> None:
    cases = CASES["requests"]
    given = answers("viewer-request.js", [request(case) for case in cases])
    for case, answer in zip(cases, given, strict=True):
        if "status" in case:
            assert (answer["statusCode"], answer["body"][-1]) == (case["status"], "\n"), case["name"]
            assert answer["headers"]["cache-control"] == {"value": "public, max-age=3600"}
        else:
            assert answer["uri"] == case["becomes"], case["name"]
            assert answer["querystring"] == fields(case.get("keeps", {})), case["name"]


@needs_node
def test_every_answer_says_how_long_it_holds_and_no_metadata() -> None:
    cases = CASES["responses"]
    events = [request(case) | {"response": {"statusCode": 200, "headers": fields(case["stored"])}} for case in cases]
    for case, answer in zip(cases, answers("viewer-response.js", events), strict=True):
        assert answer["headers"] == fields(case["shown"]), case["name"]


@needs_node
def test_a_key_may_have_1024_bytes() -> None:
    """In UTF-8, however many an address has for them."""
    fits, over = ("%C3%BC" * 507 + tail + "/8x.jpg" for tail in ("abc", "abcd"))
    kept, refused = answers("viewer-request.js", [request({"uri": f"/{path}"}) for path in (fits, over)])
    assert kept["uri"] == f"/{fits}"
    assert refused["statusCode"] == 400


@needs_node
def test_manifests_and_formats_follow_the_parameters() -> None:
    cases = [{"uri": "/a.jpg/manifest.json"}, {"uri": "/a.jpg/8x.auto", "accept": "image/avif,image/webp"}]
    manifest, picture = answers("viewer-request.js", [*map(request, cases)], Manifests="on", AutoFormats="webp")
    assert (manifest["uri"], picture["uri"]) == ("/a.jpg/manifest.json", "/a.jpg/8x.webp")


@needs_node
def test_a_label_that_names_any_format_keeps_its_extension() -> None:
    labels = [Rendition(width=8, format=name).label for name in (*OUTPUTS, "auto")]
    events = [request({"uri": f"/a.jpg/{label}.auto", "accept": "image/webp"}) for label in (*labels, "8x")]
    assert [answer["uri"][-5:] for answer in answers("viewer-request.js", events)] == [".auto"] * len(labels) + [
        ".webp"
    ]


@pytest.mark.parametrize("name", ["viewer-request.js", "viewer-response.js"])
def test_a_function_fits_with_the_longest_list_of_renditions(name: str) -> None:
    """CloudFront takes 10 KB of code (quotas on CloudFront Functions), CloudFormation 4,096 bytes of a parameter."""
    assert len(code(name, Renditions="x" * 4096).encode()) < 10_000


@needs_node
def test_the_addresses_of_the_vectors_reach_the_function_as_they_are() -> None:
    vectors = json.loads((PROJECT / "examples" / "addresses.json").read_text(encoding="utf-8"))["addresses"]
    split = [urlsplit(each["address"]) for each in vectors]
    cases = [{"uri": address.path, "query": dict(parse_qsl(address.query))} for address in split]
    for case, answer in zip(
        cases, answers("viewer-request.js", list(map(request, cases)), Renditions="1x"), strict=True
    ):
        assert (answer["uri"], answer["querystring"]) == (case["uri"], fields(case["query"]))


SETTINGS = ServeSettings.from_environment(
    {
        "TINYPICS_SOURCE_BUCKETS": "original-pics",
        "TINYPICS_OUTPUT_BUCKET": "tiny-pics",
        "TINYPICS_RENDITIONS": CASES["parameters"]["Renditions"],
        "TINYPICS_AUTO_FORMATS": CASES["parameters"]["AutoFormats"],
    }
)
# An `unknown` case is the edge's alone: the function does not know its label, or reads an escape that is cut as text.
SHARED = [case for case in CASES["requests"] if not case.get("unknown")]
BAD = [case for case in SHARED if case.get("status") == 400]
CHOSEN = [case for case in SHARED if case["name"].startswith("auto")]


@pytest.mark.parametrize("case", BAD, ids=lambda case: str(case["name"]))
def test_the_serving_function_refuses_what_the_edge_refuses(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        resolve(case["uri"], "", encoded=True, accept="", settings=SETTINGS)


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: str(case["name"]))
def test_the_serving_function_chooses_the_same_format(case: dict[str, Any]) -> None:
    wanted = resolve(case["uri"], "", encoded=True, accept=case.get("accept", ""), settings=SETTINGS)
    assert f"/{wanted.key}" == case["becomes"]
