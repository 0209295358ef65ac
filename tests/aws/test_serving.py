"""The serving function without AWS: each status, header and output of an address."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore
from PIL import Image

import tinypics
from tests.answer import Answer
from tests.pictures import encoded, quadrants
from tinypics.aws import http, serve
from tinypics.aws.serve_settings import ServeSettings
from tinypics.aws.serving import Server
from tinypics.aws.signing_keys import SigningKeys
from tinypics.delivery import reconcile
from tinypics.delivery.request import Request
from tinypics.errors import InvalidConfiguration, SourceNotFound, StoreUnavailable
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.store.bucket import Bucket

IN, OUT = "original-pics", "tiny-pics"
RING = {"1": "the key of these tests"}
PHOTO = encoded(quadrants((120, 90)), "JPEG")
CLEAR = encoded(Image.new("RGBA", (40, 40), (10, 200, 10, 90)), "PNG")
ENVIRONMENT = {
    "TINYPICS_SOURCE_BUCKETS": IN,
    "TINYPICS_OUTPUT_BUCKET": OUT,
    "TINYPICS_RENDITIONS": "60x,thumb=32x32-png",
    "TINYPICS_DYNAMIC_RENDITIONS": "20x,round=16x16-webp",
    "TINYPICS_SIGNING_SECRET": "keys",
}


class Site:
    """The serving function with two buckets in memory. `calls` has the requests to them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **changes: str) -> None:
        self.calls: list[str] = []
        self.buckets = {name: Spied(name, self.calls) for name in (IN, OUT)}
        self._capsys = capsys
        self.settings = ServeSettings.from_environment(ENVIRONMENT | changes)
        monkeypatch.setattr(serve, "SETTINGS", self.settings)
        monkeypatch.setattr(serve, "open_bucket", self.buckets.__getitem__)
        monkeypatch.setattr(serve, "SIGNING_KEYS", SigningKeys(lambda _: json.dumps(RING)))
        monkeypatch.setattr(serve.SANDBOX, "resize_all", resize_all)

    def put(self, key: str, data: bytes = PHOTO, bucket: str = IN, **attributes: str) -> str:
        there = self.buckets[bucket].head(key)
        return self.buckets[bucket].put(key, data, attributes=attributes, replaces=there and there.etag)

    def workflow(self, key: str) -> None:
        """Run an upload's event."""
        stack = self.settings.stack
        request = Request(IN, key, OUT, stack.renditions, in_folder=stack.in_folder, follows=True)
        reconcile.run(request, self.buckets.__getitem__, Limits(), stack.handling, resize_all)

    def url(self, key: str, rendition: str, **options: Any) -> str:
        return tinypics.url(key, rendition, base="/", **options)

    def signed(self, key: str, rendition: str, **options: Any) -> str:
        return self.url(key, rendition, secret=RING, **options)

    def get(self, url: str, method: str = "GET", **headers: str) -> Answer:
        """The answer to a request that came through CloudFront, whose paths are encoded."""
        path, _, query = url.partition("?")
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"via": "2.0 abc.cloudfront.net (CloudFront)", **named},
            "requestContext": {"http": {"method": method}},
        }
        self.calls.clear()
        self._capsys.readouterr()
        answer = serve.handler(event, None)
        self.log = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        return answered(answer)

    @property
    def outcome(self) -> str:
        """That of the only log line."""
        (line,) = self.log
        return str(line["outcome"])

    def outputs(self) -> list[str]:
        return sorted(each["path"] for each in self.buckets[OUT].everything(""))


class Spied(Bucket):
    def __init__(self, name: str, calls: list[str]) -> None:
        super().__init__(name, MemoryStore())
        self._calls = calls
        self.before: Callable[[str, str], None] = lambda method, key: None
        self.hidden = ""

    # Like ETags of S3, these begin with eight hexadecimal digits.
    def _tag(self, meta: Any) -> str:
        return f"{int(super()._tag(meta)):08x}"

    def _if_match(self, tag: str) -> Any:
        return super()._if_match(str(int(tag, 16)))

    def _seen(self, method: str, key: str) -> None:
        self._calls.append(f"{method} {self.name}")
        self.before(method, key)

    def open(self, key: str, **options: Any) -> Any:
        self._seen("GET", key)
        if key == self.hidden:
            self.hidden = ""
            raise SourceNotFound(key)
        return super().open(key, **options)

    def head(self, key: str, **options: Any) -> Any:
        self._seen("HEAD", key)
        return super().head(key, **options)

    def put(self, key: str, data: bytes, **options: Any) -> str:
        self._seen("PUT", key)
        return super().put(key, data, **options)


def answered(event: dict[str, Any]) -> Answer:
    assert event["isBase64Encoded"]
    return Answer(event["statusCode"], event["headers"], base64.b64decode(event["body"]))


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(monkeypatch, capsys)


@pytest.fixture
def single(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(monkeypatch, capsys, TINYPICS_RENDITIONS="32x32", TINYPICS_OUTPUT_PREFIX="thumbs/")


def test_a_listed_output_is_made_once_and_then_served(site: Site) -> None:
    etag = site.put("cat.jpg")
    made = site.get(site.url("cat.jpg", "60x"))
    assert (made.status, made.picture.size, made.headers["content-type"]) == (200, (60, 45), "image/jpeg")
    assert site.log[0].items() >= {"outcome": "made", "key": "cat.jpg", "name": "60x.jpg", "source_etag": etag}.items()
    again = site.get(site.url("cat.jpg", "60x"))
    assert (again.body, again.headers) == (made.body, made.headers)
    assert site.calls == ["GET tiny-pics"]
    assert site.outcome == "stored"


def test_the_workflow_stores_the_same_picture_as_was_made_before_it(site: Site) -> None:
    site.put("cat.jpg")
    before = site.get(site.url("cat.jpg", "60x"))
    site.workflow("cat.jpg")
    assert site.outputs() == ["cat.jpg/60x.jpg", "cat.jpg/manifest.json", "cat.jpg/thumb.png"]
    manifest = json.loads(site.buckets[OUT].open("cat.jpg/manifest.json", max_bytes=10**6).read_all())
    stored = site.buckets[OUT].open("cat.jpg/60x.jpg", max_bytes=10**6)
    one, other = (Image.open(io.BytesIO(data)) for data in (stored.read_all(), before.body))
    assert one.tobytes() == other.tobytes()
    assert stored.stat.etag != before.headers["etag"].strip('"')  # so `If-Match` tells them apart
    assert manifest["renditions"][0]["etag"] == stored.stat.etag


def test_an_upload_makes_its_own_outputs_permanent(site: Site) -> None:
    site.put("cat.jpg")
    for rendition in ("60x", "thumb.png", "20x", "round.webp", "60x.webp"):
        site.get(site.url("cat.jpg", rendition))
    site.workflow("cat.jpg")
    marked = {key for key in site.outputs() if "tinypics-on-demand" in site.buckets[OUT].head(key).metadata}
    assert marked == {"cat.jpg/20x.jpg", "cat.jpg/round.webp", "cat.jpg/60x.webp"}


def test_outputs_on_demand_stay_with_their_version_and_go_with_it(site: Site) -> None:
    site.put("cat.jpg")
    site.get(site.url("cat.jpg", "20x"))
    site.workflow("cat.jpg")
    site.workflow("cat.jpg")
    assert "cat.jpg/20x.jpg" in site.outputs()
    site.put("cat.jpg", encoded(quadrants((120, 80)), "JPEG"))
    site.workflow("cat.jpg")
    assert "cat.jpg/20x.jpg" not in site.outputs()
    assert site.get(site.url("cat.jpg", "20x")).picture.size == (20, 13)
    site.buckets[IN].delete("cat.jpg")
    site.workflow("cat.jpg")
    assert site.outputs() == []
    assert site.get(site.url("cat.jpg", "20x")).status == 404


def test_many_outputs_on_demand_go_with_their_version(site: Site) -> None:
    site.put("cat.jpg")
    site.get(site.url("cat.jpg", "20x"))
    stat = site.buckets[OUT].head("cat.jpg/20x.jpg")
    for number in range(150):
        site.put(f"cat.jpg/{number + 100}x.jpg", b"x", OUT, **stat.metadata)
    site.put("cat.jpg", encoded(quadrants((120, 80)), "JPEG"))
    site.workflow("cat.jpg")
    assert site.outputs() == ["cat.jpg/60x.jpg", "cat.jpg/manifest.json", "cat.jpg/thumb.png"]


def test_an_unlisted_output_needs_a_signature(site: Site) -> None:
    site.put("cat.jpg")
    refused = site.get(site.url("cat.jpg", "50x"))
    assert (refused.status, refused.cached, site.calls) == (403, "max-age=60", [])
    made = site.get(site.signed("cat.jpg", "50x"))
    assert (made.status, made.picture.size) == (200, (50, 38))
    assert "s=" not in json.dumps(site.log)
    assert RING["1"] not in json.dumps(site.log)


@given(st.data())
def test_a_changed_signature_reads_nothing(data: st.DataObject) -> None:
    """Any changed character of the signature, the last second, the key, the label or the extension."""
    address = tinypics.url("cat.jpg", "50x-q70", base="/", secret=RING, expires=4 * 10**9)
    settings = ServeSettings.from_environment(ENVIRONMENT)
    server = Server(settings, lambda name: pytest.fail(name), resize_all, SigningKeys(lambda _: json.dumps(RING)))
    position = data.draw(st.sampled_from([i for i, c in enumerate(address) if c not in "/?&=.-"]))
    other = data.draw(st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"))
    path, _, query = (address[:position] + other + address[position + 1 :]).partition("?")
    request = http.HttpRequest("GET", path, query, {"via": "(CloudFront)"})
    if f"{path}?{query}" != address:
        try:
            status = server.reply(request, {}).status
        except tinypics.PermanentError as error:
            status = http.failure(error).status
        assert status in (400, 403)


@pytest.mark.parametrize("form", ["{s}", "{s}&s={s}", "{s}x", "{s}&e=1&e=2", "{s}&v={long}", "{s}&e={s}", "x&r={s}"])
def test_a_signature_is_never_logged(site: Site, form: str) -> None:
    site.put("cat.jpg")
    path, _, signature = site.signed("cat.jpg", "40x").partition("?s=")
    site.get(f"{path}?s={form.format(s=signature, long='5' * 9000)}")
    assert site.log
    assert signature not in json.dumps(site.log)


@pytest.mark.parametrize("given", ["", "the secret of thi", "the secret of this stack\0", "ü", "\ud800", None])
def test_with_a_secret_only_cloudfronts_requests_are_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str | None
) -> None:
    secret = "the secret of this stack"
    site = Site(monkeypatch, capsys, TINYPICS_ORIGIN_SECRET=secret)
    site.put("cat.jpg")
    headers = {} if given is None else {"x_tinypics_origin": given}
    refused = site.get(site.url("cat.jpg", "60x"), **headers)
    assert (refused.status, refused.cached, site.outcome, site.calls) == (403, "max-age=60", "direct", [])
    assert secret not in json.dumps(site.log)
    assert site.get(site.url("cat.jpg", "60x"), x_tinypics_origin=secret).status == 200


@pytest.mark.parametrize("name", ["accept", "if_none_match", "via"])
def test_a_header_that_is_no_text_is_none(site: Site, name: str) -> None:
    site.put("cat.jpg")
    assert site.get("/cat.jpg/60x.jpg", **{name: "\ud800"}).status == 200


@pytest.mark.parametrize("url", ["/\ud800/60x.jpg", "/cat.jpg/60x.jpg?r=\ud800", "/cat.jpg/50x.jpg?s=\ud800"])
def test_an_address_that_is_no_text_is_refused(site: Site, url: str) -> None:
    answer = site.get(url, x_secret="that only CloudFront has")
    assert (answer.status, site.calls) == (400, [])
    assert "only CloudFront" not in answer.body.decode() + json.dumps(site.log)


def test_an_expired_signature_is_refused_and_a_valid_one_limits_caches(site: Site) -> None:
    etag = site.put("cat.jpg")
    assert site.get(site.signed("cat.jpg", "50x", expires=10**9)).status == 403
    cached = site.get(site.signed("cat.jpg", "50x", version=etag, expires=4 * 10**9)).cached
    assert cached.startswith("public, max-age=")
    assert "immutable" not in cached


def test_only_the_right_version_is_immutable(site: Site) -> None:
    etag = site.put("cat.jpg")
    assert site.get(site.url("cat.jpg", "60x", version=etag)).cached == http.YEAR
    assert site.get(site.url("cat.jpg", "60x", version="f" * 8)).cached == http.SHORT
    assert site.get(site.url("cat.jpg", "60x")).cached == http.SHORT


def test_the_stacks_own_cache_control_wins(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    site = Site(monkeypatch, capsys, TINYPICS_CACHE_CONTROL="private, max-age=5")
    site.put("cat.jpg")
    assert site.get(site.url("cat.jpg", "60x")).cached == "private, max-age=5"


def test_head_and_conditions(site: Site) -> None:
    site.put("cat.jpg")
    head = site.get(site.url("cat.jpg", "60x"), "HEAD")
    got = site.get(site.url("cat.jpg", "60x"))
    assert (head.status, head.headers) == (200, got.headers)
    for condition in (got.headers["etag"], f'"x", W/{got.headers["etag"]}', "*"):
        same = site.get(site.url("cat.jpg", "60x"), if_none_match=condition)
        assert (same.status, same.body, same.headers["etag"]) == (304, b"", got.headers["etag"])
        assert same.headers["content-type"] == "image/jpeg"
        assert same.cached == got.cached
    assert site.get(site.url("cat.jpg", "60x"), if_none_match='"x"').status == 200
    posted = site.get(site.url("cat.jpg", "60x"), "POST")
    assert (posted.status, posted.headers["allow"], site.calls) == (405, "GET, HEAD", [])


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("image/avif,image/webp,*/*", "image/webp"),
        ("image/webp;q=0.8", "image/webp"),
        ("image/webp;q=0, */*", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("", "image/jpeg"),
    ],
)
def test_auto_is_what_the_browser_takes(site: Site, accept: str, kind: str) -> None:
    site.put("cat.jpg")
    answer = site.get(site.url("cat.jpg", "60x.auto"), accept=accept)
    assert (answer.headers["content-type"], answer.headers["vary"]) == (kind, "Accept")
    assert site.get(site.url("cat.jpg", "60x.auto"), accept=accept).body == answer.body
    assert site.outcome == "stored"


def test_auto_keeps_transparency(site: Site) -> None:
    site.put("clear.png", CLEAR)
    site.put("clear.webp", encoded(Image.new("RGBA", (40, 40), (10, 200, 10, 90)), "WEBP"))
    for key in ("clear.png", "clear.webp"):
        answer = site.get(site.url(key, "20x.auto"))
        assert answer.headers["content-type"] == "image/png"
        assert answer.picture.mode == "RGBA"


def test_avif_is_only_for_stacks_that_ask_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(monkeypatch, capsys, TINYPICS_AUTO_FORMATS="avif,webp")
    site.put("cat.jpg")
    assert site.get(site.url("cat.jpg", "20x.auto"), accept="image/avif").headers["content-type"] == "image/avif"


def test_the_extension_decides_a_format_that_the_label_leaves_open(site: Site) -> None:
    site.put("cat.jpg")
    assert site.get(site.signed("cat.jpg", "20x.png")).picture.format == "PNG"
    assert site.get(site.url("cat.jpg", "20x.png")).status == 403
    wrong = site.get(site.signed("cat.jpg", "20x-webp.png"))
    assert (wrong.status, wrong.cached, site.calls) == (400, "max-age=3600", [])
    assert "expected the extension .webp" in wrong.body.decode()


@pytest.mark.parametrize(
    "path", ["/", "/cat.jpg", "/cat.jpg/", "/cat.jpg/manifest.json", "/cat.jpg/big.jpg", "/../60x.jpg", "/%FF/60x.jpg"]
)
def test_another_form_is_refused_without_a_look(site: Site, path: str) -> None:
    answer = site.get(path)
    assert (answer.status, answer.cached, site.calls) == (400, "max-age=3600", [])


def test_a_source_that_is_missing_or_no_picture(site: Site) -> None:
    missing = site.get(site.url("cat.jpg", "60x"))
    assert (missing.status, missing.cached, missing.body) == (404, "max-age=10", b"there is no such picture\n")
    site.put("broken.jpg", PHOTO[:300])
    broken = site.get(site.url("broken.jpg", "60x"))
    assert (broken.status, broken.cached) == (415, "max-age=60")
    assert broken.headers["x-tinypics-error"] == "CorruptImage"
    site.put("text.jpg", b"no picture")
    assert site.get(site.url("text.jpg", "60x")).headers["x-tinypics-error"] == "UnsupportedFormat"
    assert site.outputs() == []


def test_the_default_picture_has_the_status_of_the_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(monkeypatch, capsys, TINYPICS_DEFAULT_PICTURE="none.png")
    assert site.get(site.url("cat.jpg", "60x")).body == b"there is no such picture\n"
    site.put("none.png", CLEAR, OUT, **{"Content-Type": "image/png"})
    answer = site.get(site.url("cat.jpg", "60x"))
    assert (answer.status, answer.body, answer.cached) == (404, CLEAR, "max-age=10")
    assert answer.headers["content-type"] == "image/png"
    assert site.outputs() == ["none.png"]
    assert site.get("/x").body != CLEAR


def test_a_store_that_is_down_is_a_503_that_nobody_keeps(site: Site) -> None:
    site.put("cat.jpg")

    def down(method: str, key: str) -> None:
        raise StoreUnavailable("down")

    site.buckets[IN].before = down
    answer = site.get(site.url("cat.jpg", "60x"))
    assert (answer.status, answer.cached, answer.headers["retry-after"]) == (503, "no-store", "2")


def test_an_unforeseen_error_is_kept_for_seconds(site: Site) -> None:
    def bug(method: str, key: str) -> None:
        raise ZeroDivisionError

    site.buckets[OUT].before = bug
    answer = site.get(site.url("cat.jpg", "60x"))
    assert (answer.status, answer.cached) == (500, "max-age=10")
    assert [line["level"] for line in site.log] == ["ERROR", "WARN"]
    assert "ZeroDivisionError" in site.log[0]["traceback"]


def test_an_object_that_is_no_output_is_neither_shown_nor_replaced(site: Site) -> None:
    site.put("cat.jpg")
    site.put("cat.jpg/60x.jpg", b"private", OUT)
    assert site.get(site.url("cat.jpg", "60x")).status == 404
    assert site.buckets[OUT].open("cat.jpg/60x.jpg", max_bytes=99).read_all() == b"private"


def test_a_large_output_is_redirected_to_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY", 500)
    etag = site.put("cat.jpg")
    answer = site.get(site.signed("cat.jpg", "100x", version="f" * 8))
    assert (answer.status, answer.cached) == (302, "no-store")
    location = answer.headers["location"]
    assert location.startswith("?v=ffffffff&s=")
    assert location.endswith("&r=1")
    again = site.get(f"/cat.jpg/100x.jpg{location}")
    assert (again.status, again.cached) == (502, "max-age=10")
    assert etag not in again.body.decode()


def test_security_headers_are_on_every_answer_and_metadata_on_none(site: Site) -> None:
    site.put("cat.jpg")
    for url in (site.url("cat.jpg", "60x"), "/", site.url("dog.jpg", "60x"), site.url("cat.jpg", "61x")):
        answer = site.get(url)
        assert (
            answer.headers.items()
            >= {
                "x-content-type-options": "nosniff",
                "content-security-policy": "default-src 'none'; sandbox",
                "access-control-allow-origin": "*",
                "cross-origin-resource-policy": "cross-origin",
            }.items()
        )
        assert not [name for name in answer.headers if "meta" in name]


def test_a_source_that_is_overwritten_meanwhile_is_never_served_stale(site: Site) -> None:
    site.put("cat.jpg")

    def overwrite(method: str, key: str) -> None:
        if method == "PUT":
            site.buckets[OUT].before = lambda *_: None
            site.put("cat.jpg", encoded(quadrants((120, 60)), "JPEG"))

    site.buckets[OUT].before = overwrite
    assert site.get(site.url("cat.jpg", "20x")).picture.size == (20, 10)


def test_a_source_that_is_deleted_meanwhile_leaves_no_output(site: Site) -> None:
    site.put("cat.jpg")

    def delete(method: str, key: str) -> None:
        if method == "PUT":
            site.buckets[IN].delete("cat.jpg")

    site.buckets[OUT].before = delete
    assert site.get(site.url("cat.jpg", "20x")).status == 404
    assert site.outputs() == []


def test_an_output_that_an_event_is_about_to_replace_is_left_to_it(site: Site) -> None:
    site.put("cat.jpg")

    def event_and_overwrite(method: str, key: str) -> None:
        site.buckets[OUT].before = lambda *_: None
        stored = site.buckets[OUT].head(key)
        if method == "GET" and stored is None:
            site.workflow("cat.jpg")
            site.put("cat.jpg", encoded(quadrants((120, 80)), "JPEG"))
            site.buckets[OUT].hidden = key

    site.buckets[OUT].before = event_and_overwrite
    answer = site.get(site.url("cat.jpg", "60x"))
    assert (answer.status, answer.cached) == (503, "no-store")
    manifest = json.loads(site.buckets[OUT].open("cat.jpg/manifest.json", max_bytes=10**6).read_all())
    assert manifest["renditions"][0]["etag"] == site.buckets[OUT].head("cat.jpg/60x.jpg").etag


def test_of_two_that_make_it_one_finds_that_of_the_other(site: Site) -> None:
    site.put("cat.jpg")
    made: list[Answer] = []

    def other(method: str, key: str) -> None:
        if method == "PUT":
            site.buckets[OUT].before = lambda *_: None
            made.append(site.get(site.url("cat.jpg", "20x")))

    site.buckets[OUT].before = other
    answer = site.get(site.url("cat.jpg", "20x"))
    assert (answer.body, answer.headers) == (made[0].body, made[0].headers)
    assert [line["outcome"] for line in site.log] == ["twin"]


def test_a_name_with_another_meaning_is_made_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], site: Site
) -> None:
    site.put("cat.jpg")
    assert site.get(site.url("cat.jpg", "round.webp")).picture.size == (16, 16)
    changed = ServeSettings.from_environment(ENVIRONMENT | {"TINYPICS_DYNAMIC_RENDITIONS": "round=8x8-webp"})
    monkeypatch.setattr(serve, "SETTINGS", changed)
    assert site.get(site.url("cat.jpg", "round.webp")).picture.size == (8, 8)


def test_the_output_of_a_stack_of_one_rendition_has_the_address_of_its_source(single: Site) -> None:
    single.put("a b/cat.jpg")
    answer = single.get("/a%20b/cat.jpg")
    assert (answer.status, answer.picture.size, single.outcome) == (200, (32, 32), "made")
    assert single.outputs() == ["thumbs/a b/cat.jpg"]
    assert single.get("/a%20b/cat.jpg").body == answer.body
    assert single.get("/a%20b/dog.jpg").status == 404
    single.put("IMG_1.HEIC", PHOTO)
    assert single.get("/IMG_1.HEIC.jpg").status == 200
    assert single.get("/IMG_1.HEIC").status == 400


def test_a_key_outside_of_the_prefix_is_not_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(monkeypatch, capsys, TINYPICS_PREFIX="photos/")
    site.put("cat.jpg")
    site.put("photos/cat.jpg")
    assert site.get(site.url("cat.jpg", "60x")).status == 404
    assert site.calls == []
    assert site.get(site.url("photos/cat.jpg", "60x")).status == 200


def test_a_path_of_a_direct_request_is_decoded_already(site: Site) -> None:
    site.put("100%41.jpg")
    assert site.get("/100%41.jpg/60x.jpg", via="").status == 200
    assert site.get("/100%41.jpg/60x.jpg").status == 404


def test_outputs_of_one_source_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinypics.delivery.on_demand.MAX_OUTPUTS", 2)
    site.put("cat.jpg")
    statuses = [site.get(site.signed("cat.jpg", f"{width}x")).status for width in (10, 11, 12, 13)]
    assert statuses == [200, 200, 200, 400]
    site.workflow("cat.jpg")
    assert site.get(site.url("cat.jpg", "60x")).status == 200  # the upload has made it


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TINYPICS_SOURCE_BUCKETS": "a,b"}, "TINYPICS_SOURCE_BUCKETS: expected one bucket"),
        ({"TINYPICS_OUTPUT_BUCKET": ""}, "TINYPICS_OUTPUT_BUCKET: expected the name"),
        ({"TINYPICS_DYNAMIC_RENDITIONS": "big"}, "TINYPICS_DYNAMIC_RENDITIONS: rendition: expected"),
        ({"TINYPICS_AUTO_FORMATS": "jpg"}, "TINYPICS_AUTO_FORMATS: expected webp or avif,webp"),
        ({"TINYPICS_DEFAULT_PICTURE": "/a"}, "TINYPICS_DEFAULT_PICTURE: expected an object key"),
        ({"TINYPICS_SIGNING_SECRET": "a b"}, "TINYPICS_SIGNING_SECRET: expected the ARN"),
        ({"TINYPICS_TAGS": "&".join(f"t{i}=x" for i in range(10))}, "TINYPICS_TAGS: expected at most 9 tags"),
    ],
)
def test_an_invalid_variable_is_named(changes: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidConfiguration, match=message):
        ServeSettings.from_environment(ENVIRONMENT | changes)


def test_a_wrong_configuration_is_a_502_whose_reason_is_logged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "SETTINGS", InvalidConfiguration("VARIABLE: wrong"))
    answer = site.get(site.url("cat.jpg", "60x"))
    assert (answer.status, answer.cached) == (502, "max-age=10")
    assert b"VARIABLE" not in answer.body
    assert site.log[0]["message"] == "VARIABLE: wrong"


@pytest.mark.parametrize("event", [{}, None, [], {"rawPath": "/"}, {"requestContext": {"http": None}}])
def test_another_event_is_refused(site: Site, event: Any) -> None:
    assert serve.handler(event, None)["statusCode"] == 400


def test_on_demand_outputs_have_a_tag_for_a_lifecycle_rule(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def put(self: Spied, key: str, data: bytes, **options: Any) -> str:
        seen.append((key, options.get("tags")))
        return Bucket.put(self, key, data, **{**options, "tags": None})

    site.put("cat.jpg")
    monkeypatch.setattr(Spied, "put", put)
    site.get(site.url("cat.jpg", "60x"))
    site.get(site.url("cat.jpg", "20x"))
    site.workflow("cat.jpg")
    tag = {"tinypics": "on-demand"}
    assert seen[:2] == [("cat.jpg/60x.jpg", tag), ("cat.jpg/20x.jpg", tag)]
    assert [tags for key, tags in seen[2:] if key == "cat.jpg/60x.jpg"] == [{}]
