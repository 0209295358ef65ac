"""Addresses of outputs in the emulator, over HTTP: the serving function, its secret and the workflow beside it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from shutil import which
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.answer import Answer
from tests.e2e import faults
from tests.e2e.faults import Fault, Proxy, proxied
from tests.e2e.serve_client import Site
from tests.e2e.test_resize import IN, OUT
from tests.local_stack import PROJECT, LocalStack
from tests.pictures import encoded, quadrants
from tests.waiting import SELDOM, eventually
from tinypics.local import deploy

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

SMALL = encoded(quadrants((120, 90)), "JPEG")


@pytest.fixture(scope="module")
def proxy_and_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, Site]]:
    data = tmp_path_factory.mktemp("emulator")
    parameters = {"Renditions": "60x,hero=32x32", "DynamicRenditions": "round=16x16", "Api": "off"}
    with deploy.running(data, PROJECT, port=0, parameters=parameters) as (_, facts), proxied(facts.endpoint) as proxy:
        site = Site(LocalStack(facts, data))
        site.configure(AWS_ENDPOINT_URL_S3=proxy.endpoint)
        yield proxy, site


@pytest.fixture
def proxy(proxy_and_site: tuple[Proxy, Site]) -> Iterator[Proxy]:
    proxy = proxy_and_site[0]
    proxy.clear()
    yield proxy
    proxy.clear()


@pytest.fixture
def site(proxy_and_site: tuple[Proxy, Site]) -> Site:
    return proxy_and_site[1]


@pytest.fixture(
    params=[
        "function",
        pytest.param(
            "cdn",
            marks=pytest.mark.skipif(
                which("node") is None, reason="the emulator runs CloudFront's functions with node"
            ),
        ),
    ]
)
def either(site: Site, request: pytest.FixtureRequest) -> Site:
    """The function by its URL, and as the origin of the distribution."""
    return site if request.param == "function" else Site(site.stack, through_cdn=True)


def put(site: Site, key: str, data: bytes = SMALL) -> str:
    return str(site.stack.s3.put_object(Bucket=IN, Key=key, Body=data)["ETag"])


def listed(site: Site, key: str) -> set[str]:
    found = site.stack.s3.list_objects_v2(Bucket=OUT, Prefix=f"{key}/").get("Contents", [])
    return {each["Key"].removeprefix(f"{key}/") for each in found}


def settled(site: Site, key: str, *names: str) -> None:
    """Wait until the workflow has written its outputs, and no other is there than `names`."""
    whole = "manifest.json" not in names
    eventually(lambda: listed(site, key) == set(names) and (whole or site.stack.manifest(key)), SELDOM)


def at_once(site: Site, url: str) -> list[Answer]:
    """The answers to eight requests at the same time."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: site.get(url), range(8)))


def logged(site: Site, key: str, url: str, *outcomes: str) -> list[str]:
    """The outcomes in the log, from the first of `outcomes` on, when all of these are there.

    On a busy machine the emulator writes a worker's line late, with those of its next request: here of `url`.
    """

    def look() -> list[str] | None:
        found = site.outcomes(key)
        later = found[found.index(outcomes[0]) :] if outcomes[0] in found else []
        if len(later) >= len(outcomes):
            return later
        at_once(site, url)
        return None

    return eventually(look, SELDOM)


def test_a_large_photo_is_served_at_once_and_never_after_its_change(site: Site, proxy: Proxy) -> None:
    key = "12 megapixels.jpg"
    big = io.BytesIO()
    Image.radial_gradient("L").resize((4000, 3000)).convert("RGB").save(big, "JPEG")
    etag = put(site, key, big.getvalue())
    made = site.get(site.url(key, "60x"))
    assert (made.status, made.picture.size, made.headers["content-type"]) == (200, (60, 45), "image/jpeg")
    assert site.get(site.url(key, "60x", version=etag)).cached == "public, max-age=31536000, immutable"
    settled(site, key, "60x.jpg", "hero.jpg", "manifest.json")

    proxy.clear()
    assert site.get(site.url(key, "50x-q70")).status == 403
    assert proxy.seen() == []

    url, outcomes = site.signed(key, "50x-q70"), ["refused", "made", "stored"]
    first, again = site.get(url), site.get(url)
    assert (first.status, first.picture.size, again.body) == (200, (50, 38), first.body)
    assert logged(site, key, url, *outcomes)[:3] == outcomes
    assert site.get(site.url(key, "round.jpg")).picture.size == (16, 16)

    put(site, key, SMALL)
    settled(site, key, "60x.jpg", "hero.jpg", "manifest.json")
    changed = site.get(site.signed(key, "50x-q70"))
    assert changed.picture.convert("RGB").getpixel((5, 5))[0] > 200  # type: ignore[index]
    assert site.get(site.url(key, "60x", version=etag)).cached == "public, max-age=60, stale-while-revalidate=300"

    site.stack.s3.delete_object(Bucket=IN, Key=key)
    settled(site, key)
    assert site.get(site.url(key, "60x")).status == site.get(site.signed(key, "50x-q70")).status == 404


def test_eight_at_once_are_one_object_and_eight_right_answers(site: Site) -> None:
    put(site, "eight.jpg")
    settled(site, "eight.jpg", "60x.jpg", "hero.jpg", "manifest.json")
    url = site.signed("eight.jpg", "40x")
    answers = at_once(site, url)
    assert {(each.status, each.body, each.headers["etag"]) for each in answers} == {
        (200, answers[0].body, answers[0].headers["etag"])
    }
    assert answers[0].picture.size == (40, 30)
    assert logged(site, "eight.jpg", url, "made").count("made") == 1
    assert "40x.jpg" in listed(site, "eight.jpg")


@pytest.mark.parametrize("key", ["a+b.jpg", "100%.jpg", "a&b=c.jpg", "ü/日本.jpg", "it's (1)!.jpg"])
def test_every_key_has_an_address(either: Site, key: str) -> None:
    put(either, key)
    assert either.get(either.url(key, "60x")).picture.size == (60, 45)
    assert either.get(either.url(key, "20x")).status == 403
    assert either.get(either.signed(key, "20x")).picture.size == (20, 15)


def test_head_and_conditions(either: Site) -> None:
    etag = put(either, "head.jpg")
    settled(either, "head.jpg", "60x.jpg", "hero.jpg", "manifest.json")  # the workflow writes other bytes
    url = either.url("head.jpg", "60x", version=etag)
    got, head = either.get(url), either.get(url, "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(got.body)))
    same = either.get(url, if_none_match=got.headers["etag"])
    assert (same.status, same.body) == (304, b"")
    assert {got.cached, head.cached, same.cached} == {"public, max-age=31536000, immutable"}


def test_auto_follows_the_browser(either: Site) -> None:
    put(either, "auto.jpg")
    kinds = {
        accept: either.get(either.url("auto.jpg", "60x.auto"), accept=accept).headers
        for accept in ("image/avif,image/webp,*/*", "image/webp", "*/*")
    }
    assert [each["content-type"] for each in kinds.values()] == ["image/webp", "image/webp", "image/jpeg"]
    assert {each["vary"].lower() for each in kinds.values()} == {"accept"}


def test_a_corrupt_picture_is_told_and_kept_for_a_minute(either: Site) -> None:
    put(either, "corrupt.jpg", SMALL[:400])
    answer = either.get(either.url("corrupt.jpg", "60x"))
    assert (answer.status, answer.cached, answer.headers["x-tinypics-error"]) == (415, "max-age=60", "CorruptImage")


def test_an_outage_is_told_and_not_kept(either: Site, proxy: Proxy) -> None:
    put(either, "down.jpg")
    settled(either, "down.jpg", "60x.jpg", "hero.jpg", "manifest.json")
    proxy.faults.append(Fault(faults.SLOW_DOWN, times=None))
    answer = either.get(either.url("down.jpg", "60x"))
    assert (answer.status, answer.cached, answer.headers["retry-after"]) == (503, "no-store", "2")
    proxy.clear()
    assert either.get(either.url("down.jpg", "60x")).status == 200


def test_the_default_picture_is_sent_with_the_errors_status(site: Site, proxy: Proxy) -> None:
    none = encoded(Image.new("RGB", (8, 8), "grey"), "PNG")
    site.stack.s3.put_object(Bucket=OUT, Key="none.png", Body=none, ContentType="image/png")
    site.configure(AWS_ENDPOINT_URL_S3=proxy.endpoint, TINYPICS_DEFAULT_PICTURE="none.png")
    try:
        answer = site.get(site.url("nothing.jpg", "60x"))
    finally:
        site.configure(AWS_ENDPOINT_URL_S3=proxy.endpoint)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (404, none, "image/png")
    assert answer.cached == "max-age=10"
