"""The console's routes: its page, and the JSON API of the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tinypics.aws.settings import Settings
from tinypics.console import loglines
from tinypics.console.access import AccessControl
from tinypics.console.addresses import Addresses
from tinypics.console.executions import Executions, NotFound
from tinypics.console.failures import Failures
from tinypics.console.health import Health
from tinypics.console.library import Library, PictureNotFound
from tinypics.console.pictures import Pictures
from tinypics.console.preview import MAX_BYTES, Busy, Previews
from tinypics.console.recent import Recent
from tinypics.console.snippets import snippets
from tinypics.delivery import keys
from tinypics.errors import InvalidConfiguration, InvalidRequest, PermanentError, TransientError
from tinypics.image.formats import BY_EXTENSION, OUTPUTS
from tinypics.image.options import COMPASS, FITS, SMART
from tinypics.stack.deployed import address_base
from tinypics.store.objects import MAX_KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack

STATIC = Path(__file__).parent / "static"
_MAX_BODY = 64 * 1024
_SKEW = 5000  # milliseconds of clock skew between services
_MAX_LINES = 5_000
_FORM = ("width", "height", "fit", "gravity", "format", "quality")  # of the page's form
_NO_EXECUTION = "there is no such execution: AWS keeps them for 90 days, the local emulator until it stops"
_NO_PICTURE = "the output bucket has no thumbnail of this name: it was removed, or never made"


def build(cloud: Cloud, stack: Stack, origin: str, token: str, backfill: str) -> ASGIApp:
    """The console of one stack at `origin`. Requests need `token`; `backfill` is the user's command."""
    pictures = Pictures(cloud, stack)
    executions = Executions(cloud, stack, pictures.address)
    library = Library(cloud, stack, pictures)
    previews = Previews(cloud, stack)
    failures = Failures(cloud, executions, pictures.preview)
    health = Health(cloud, stack)
    recent = Recent(cloud, stack, pictures.address)
    region = cloud.region
    routes = [
        Route("/", lambda _: FileResponse(STATIC / "index.html")),
        _get(
            "/api/stack",
            lambda _: _stack(cloud, stack, previews, listed=executions.keeps_history()) | {"backfill": backfill},
        ),
        _get("/api/pictures", lambda asked: library.page(*_place(asked))),
        _get("/api/picture", lambda asked: library.picture(asked.get("key", ""))),
        _get("/api/workflow", lambda _: executions.workflow()),
        _get("/api/executions", lambda asked: executions.page(asked.get("status"), asked.get("next"))),
        _get("/api/executions/{name}", lambda asked: executions.details(asked["name"])),
        _get("/api/executions/{name}/log", lambda asked: _log(cloud, stack, executions, asked["name"])),
        _get("/api/executions/{name}/pictures", lambda asked: pictures.records(executions.describe(asked["name"]))),
        _get("/api/recent", lambda _: recent.pictures()),
        _get("/api/failures", lambda asked: failures.groups(_integer(asked, "seconds", 86_400))),
        _get("/api/health", lambda asked: health.figures(_integer(asked, "seconds", 3600), executions.running())),
        _post("/api/subjects", lambda given: executions.summaries(_list(given, "names"))),
        _post("/api/executions", lambda given: {"name": executions.run(given.get("event"))}),
        _post("/api/executions/{name}/again", lambda given: {"name": executions.run_again(given["name"])}),
        _post("/api/failures/retry", lambda given: failures.retry(given.get("names"))),
        _post("/api/uploads", pictures.upload),
        _post("/api/address", Addresses(cloud, stack).address),
        _post("/api/snippets", lambda given: snippets(_event(given), stack, region, cloud.endpoint)),
        _post("/api/preview", lambda given: _preview(previews, given)),
        _file_preview("/api/preview/file", previews),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    app = Starlette(routes=routes, exception_handlers=_error_handlers())
    stores = {_origin(pictures.address(name, "x")) for name in (stack.source_bucket, stack.output_bucket)}
    return AccessControl(app, origin=origin, token=token, stores=stores)


def _error_handlers() -> dict[Any, Callable[[Request, Any], Response]]:
    return {
        PermanentError: lambda _, error: _error(400, error.name, error.message),
        TransientError: lambda _, error: _error(503, error.name, error.message),
        Busy: lambda *_: _error(503, "Busy", "other previews are running: retry in a moment"),
        NotFound: lambda *_: _error(404, "ExecutionNotFound", _NO_EXECUTION),
        ClientError: _aws_error,
        PictureNotFound: lambda *_: _error(404, "PictureNotFound", _NO_PICTURE),
        BotoCoreError: lambda _, error: _error(502, "StackUnreachable", str(error)),
    }


def _get(path: str, answer: Callable[[Mapping[str, str]], Any]) -> Route:
    """A GET handler. `answer` gets the query and the path's parameters, and runs in a thread."""

    def endpoint(request: Request) -> Response:
        return JSONResponse(answer({**request.query_params, **request.path_params}))

    return Route(path, endpoint)


def _post(path: str, answer: Callable[[Mapping[str, Any]], Any]) -> Route:
    """A POST handler. `answer` gets the body, a JSON object, and the path's parameters, and runs in a thread."""

    async def endpoint(request: Request) -> Response:
        given = await _body(request) | request.path_params
        answered = await run_in_threadpool(answer, given)
        return answered if isinstance(answered, Response) else JSONResponse(answered)

    return Route(path, endpoint, methods=["POST"])


def _file_preview(path: str, previews: Previews) -> Route:
    """The preview of a file that is not in the bucket: the body. The query has the event, as JSON."""

    async def endpoint(request: Request) -> Response:
        event = _object(request.query_params.get("event", "").encode(), "event")
        file = await _read(request, MAX_BYTES)
        return await run_in_threadpool(_preview, previews, {"event": event}, file)

    return Route(path, endpoint, methods=["POST"])


async def _body(request: Request) -> dict[str, Any]:
    return _object(await _read(request, _MAX_BODY) or b"{}", "body")


async def _read(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise InvalidRequest.expected("body", f"at most {most:,} bytes", len(body))
    return bytes(body)


def _object(text: bytes, field: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidRequest.expected(field, "a JSON object", text.decode(errors="replace"))
    return found


def _stack(cloud: Cloud, stack: Stack, previews: Previews, *, listed: bool) -> dict[str, Any]:
    problem = None
    try:
        settings = previews.settings()
    except InvalidConfiguration as error:  # the console shows it, and all that is there
        settings, problem = Settings(renditions=()), f"{error.name}: {error.message}"
    return {
        "problem": problem,
        "source_bucket": stack.source_bucket,
        "output_bucket": stack.output_bucket,
        "local": cloud.endpoint is not None,
        "by_queue": stack.uploads is not None,
        "listed": listed,
        "region": cloud.region,
        "endpoint": cloud.endpoint,
        "prefix": settings.prefix,
        "renditions": [str(rendition) for rendition in settings.renditions],
        "first": {name: str(getattr(each, name) or "") for each in settings.renditions[:1] for name in _FORM},
        "fits": FITS,
        "gravities": [*COMPASS, *SMART],
        "formats": OUTPUTS,
        "extensions": sorted(BY_EXTENSION),
        "url_base": address_base(stack, settings),
        "address_prefix": keys.in_address(settings.output_prefix),  # of keys, but not of addresses
    }


def _log(cloud: Cloud, stack: Stack, executions: Executions, name: str) -> list[dict[str, Any]]:
    """The function's log lines about the execution."""
    found = executions.details(name)
    start, end = found["started"] - _SKEW, (found["ended"] or found["now"]) + _SKEW
    if cloud.endpoint:
        end = None  # a busy emulator writes a line late, with those of the next picture
    answers = executions.answers(name)
    lines, _ = loglines.read(cloud.client("logs"), stack.log_group, start, end, _MAX_LINES)
    return [{"at": stamp, "line": line} for stamp, line in lines if loglines.belongs(line, found["key"], answers)]


def _preview(previews: Previews, given: Mapping[str, Any], file: bytes | None = None) -> Response:
    """The preview. Errors are a value here, because a form is often invalid while the user types."""
    try:
        output, facts = previews.preview(given.get("event"), file)
    except PermanentError as error:
        return _error(200, error.name, error.message)
    return Response(output.data, media_type=output.content_type, headers={"Tinypics-Facts": json.dumps(facts)})


def _event(given: Mapping[str, Any]) -> dict[str, Any]:
    event = given.get("event")
    if not isinstance(event, dict):
        raise InvalidRequest.expected("event", "a JSON object", event)
    return event


def _list(given: Mapping[str, Any], field: str) -> list[object]:
    found = given.get(field)
    if not isinstance(found, list):
        raise InvalidRequest.expected(field, "a list", found)
    return found


def _integer(asked: Mapping[str, str], field: str, default: int) -> int:
    text = asked.get(field, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InvalidRequest.expected(field, "a whole number", text)
    return int(text)


def _place(asked: Mapping[str, str]) -> tuple[str, str, int]:
    """The search, the listing, and the number of the first picture of a page."""
    find, after = asked.get("find", ""), asked.get("after", "")
    for field, text in (("find", find), ("after", after)):
        if len(text) > MAX_KEY_BYTES:
            raise InvalidRequest.expected(field, f"at most {MAX_KEY_BYTES} characters", len(text))
    return find, after, _integer(asked, "start", 0)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _aws_error(_: Request, error: Exception) -> Response:
    detail = error.response["Error"]  # type: ignore[attr-defined]
    code, message = detail.get("Code", "Unknown"), detail.get("Message", "")
    # The name depends on the service: ExpiredToken, ExpiredTokenException.
    renew = " Renew your credentials and restart `tinypics console`." if code.startswith("ExpiredToken") else ""
    return _error(502, code, message + renew)


def _error(status: int, error: str, message: str) -> Response:
    return JSONResponse({"error": error, "message": message}, status)
