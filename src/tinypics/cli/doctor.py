"""`tinypics doctor`: tries odd keys through a stack's addresses, and says what to set if one fails.

Documentation of AWS leaves open how CloudFront, S3 and function URLs treat some bytes of a path. The answers here are
those of your own distribution.
"""

from __future__ import annotations

import http.client
import io
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

import tinypics
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import CommandFailed, out, plain
from tinypics.cli.url import stored
from tinypics.delivery import keys
from tinypics.stack import deployed
from tinypics.store.objects import unquoted

if TYPE_CHECKING:
    from tinypics.aws.settings import Settings
    from tinypics.cli.target import Target

PLAIN: Final = "plain.jpg"
NAMES: Final = (
    PLAIN,
    *("a b.jpg", "a+b.jpg", "a%b.jpg", "a%2Fb.jpg", "a&b=c.jpg", "a;b,c.jpg", "a(b)!*'.jpg", "~.jpg"),
    *("ü.jpg", "e\u0301.jpg", "日本.jpg"),
)
_TIMEOUT: Final = 35.0  # seconds: CloudFront waits 30 for the function
_PATIENCE: Final = 30.0  # seconds until an output must be there
_OPEN: Final = ("x-amz-meta-", "x-amz-server-side-encryption")  # headers that only the origin shows

NOTHING = (
    "No address works. Is the stack deployed with Cdn=on, and the distribution with the command in its output "
    "CdnCommand? A bucket of your own needs the output BucketStatement in its policy, a KMS key KeyStatement."
)
UNSIGNED = (
    "The function does not get requests for some keys, because CloudFront signs these characters wrong: they work only "
    "when their outputs are stored. Deploy cdn.yaml with OriginAuth=secret."
)
ODD = (
    "Keys with these characters do not work through CloudFront, not even when their outputs are stored. Choose keys of "
    "letters, digits and -_.~/ for uploads, as most storage libraries do."
)
VERSION = (
    "An address with the right v is not kept for a year. Deploy cdn.yaml again: its function ViewerResponse compares "
    "v with the output's metadata. A stack with CacheControl keeps its own header."
)
LEAK = "Metadata of outputs reach visitors: deploy cdn.yaml again, with its function ViewerResponse."
REVALIDATION = (
    "HEAD or If-None-Match do not work: caches fetch every picture again. Is this the distribution's address?"
)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]

    @property
    def is_picture(self) -> bool:
        return self.status == 200 and self.headers.get("content-type", "").startswith("image/")


@dataclass(slots=True)
class Findings:
    """Names of keys that failed, and of those whose outputs were made on demand or only later; and advice."""

    failed: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    advice: dict[str, None] = field(default_factory=dict)  # in order, each once

    def conclude(self) -> None:
        if PLAIN in self.failed:
            self.advice = {NOTHING: None, **self.advice}
        elif self.failed:
            self.advice = {ODD: None, **self.advice}
        if PLAIN in self.made and self.late:
            self.advice = {UNSIGNED: None, **self.advice}


@readable_errors()
def doctor(target: Target, base: str, prefix: str) -> int:
    """Upload small pictures under odd keys, ask for their outputs, and remove them. 0 if everything works, else 1."""
    if not _is_address(base):
        raise CommandFailed(f"--cdn: expected an address like https://img.example.com/, got {plain(base)}")
    settings = deployed.settings(target.cloud, target.stack)
    s3, bucket = target.client("s3"), target.stack.source_bucket
    folder = f"{prefix}tinypics-doctor-{secrets.token_hex(4)}/"
    findings, uploaded = Findings(), []
    try:
        for name in NAMES:
            key = folder + name
            etag = unquoted(s3.put_object(Bucket=bucket, Key=key, Body=_picture(), ContentType="image/jpeg")["ETag"])
            uploaded.append(key)
            _check(settings, base, key, name, etag, findings)
    finally:
        for key in uploaded:
            s3.delete_object(Bucket=bucket, Key=key)
    findings.conclude()
    for each in findings.advice:
        out.print(each, style="yellow")
    if not findings.advice:
        out.print("Every key works, and versions, conditions and metadata are right.", style="green")
    return 1 if findings.advice else 0


def _is_address(base: str) -> bool:
    try:
        address = urlsplit(base)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # an unfinished IPv6 address, or a port above 65535
        return False


def _check(settings: Settings, base: str, key: str, name: str, etag: str, findings: Findings) -> None:
    address = urlsplit(_address(settings, base, key))
    until = time.monotonic() + _PATIENCE
    at_once = first = ask(address)
    while not first.is_picture and first.status in (403, 404) and time.monotonic() < until:
        if PLAIN in findings.failed:
            break  # nothing works: do not wait for each key
        time.sleep(1)
        first = ask(address)
    if at_once.is_picture:
        findings.made.append(name)
    elif first.is_picture:
        findings.late.append(name)
    again = ask(address._replace(query=f"v={etag[:8]}"))
    works = first.is_picture and again.is_picture
    seen = ", ".join(f"{reply.status} {_origin(reply)}".rstrip() for reply in (first, again))
    out.print(f"{'✓' if works else '✗'} {plain(name):12}  {seen}")
    if not works:
        findings.failed.append(name)
        return
    if not settings.handling.cache_control and "immutable" not in again.headers.get("cache-control", ""):
        findings.advice[VERSION] = None
    if any(each.startswith(_OPEN) for reply in (first, again) for each in reply.headers):
        findings.advice[LEAK] = None
    if name == PLAIN:
        condition = {"If-None-Match": first.headers.get("etag", "")}
        if ask(address, **condition).status != 304 or ask(address, "HEAD").status != 200:
            findings.advice[REVALIDATION] = None


def _address(settings: Settings, base: str, key: str) -> str:
    """The address of the first output that an upload of `key` makes."""
    if settings.in_folder:
        return tinypics.url(key, settings.renditions[0], base=base)
    return stored(base, keys.single_output(key, settings.renditions[0]))


def ask(address: SplitResult, method: str = "GET", **headers: str) -> Reply:
    """One request with the path as it is written, because client libraries may encode it once more.

    A connection that fails is a status of 0.
    """
    host, port = str(address.hostname), address.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
        if address.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    )
    try:
        path = address.path + (f"?{address.query}" if address.query else "")
        connection.request(method, path, headers={"Accept": "image/*", **headers})
        answer = connection.getresponse()
        given = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, given)
    except (OSError, http.client.HTTPException):
        return Reply(0, {})
    finally:
        connection.close()


def _origin(reply: Reply) -> str:
    return "from S3" if reply.headers.get("server") == "AmazonS3" else "from the function" if reply.is_picture else ""


def _picture() -> bytes:
    """A small picture that differs from every other, so that no cache has it."""
    from PIL import Image

    made = io.BytesIO()
    Image.frombytes("RGB", (8, 8), secrets.token_bytes(192)).save(made, "JPEG")
    return made.getvalue()
