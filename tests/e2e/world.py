"""The emulator with our stack, a proxy in front of its S3, and queries of both."""

from __future__ import annotations

import io
import json
import signal
import urllib.request
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.e2e.faults import Action, Fault, Proxy
from tests.e2e.test_resize import IN, OUT, attempts, finished, run
from tests.waiting import SELDOM, eventually

if TYPE_CHECKING:
    from tests.local_stack import LocalStack


RENDITIONS = "64x48,thumb=32x32-webp"
OUTPUTS = ("64x48.jpg", "thumb.webp", "manifest.json")  # for a JPEG; the manifest is written last
SOURCE, OUTPUT = f"^/{IN}/", f"^/{OUT}/"  # paths in the proxy


def photo(colour: str = "red", size: tuple[int, int] = (320, 240)) -> bytes:
    """A picture of half noise, so that it has some bytes, and half one colour, which identifies its outputs."""
    image = Image.effect_noise(size, 90).convert("RGB")
    image.paste(colour, (0, 0, size[0], size[1] // 2))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


RED, BLUE, GREEN = photo("red"), photo("blue"), photo("green")


def event(name: str, key: str, **about: Any) -> dict[str, Any]:
    detail = {"bucket": {"name": IN}, "object": {"key": key, **about}}
    return {"source": "aws.s3", "detail-type": name, "detail": detail}


def created(key: str, etag: str, size: int) -> dict[str, Any]:
    return event("Object Created", key, etag=etag, size=size)


class World:
    """The emulator with our stack, the proxy in front of its S3, and queries of both."""

    def __init__(self, stack: LocalStack, proxy: Proxy) -> None:
        self.stack = stack
        self.proxy = proxy
        self.s3 = stack.s3
        found = stack.functions.get_function_configuration(FunctionName=stack.facts.stack.function)
        self._variables = found["Environment"]["Variables"] | {"AWS_ENDPOINT_URL_S3": proxy.endpoint}

    def configure(self, *, timeout: int = 60, memory: int = 1769, **variables: str) -> None:
        self.stack.functions.update_function_configuration(
            FunctionName=self.stack.facts.stack.function,
            Timeout=timeout,
            MemorySize=memory,
            Environment={"Variables": self._variables | variables},
        )

    def emulator_setting(self, **settings: object) -> None:
        body = json.dumps({f"stepfunctions.{name}": value for name, value in settings.items()}).encode()
        with urllib.request.urlopen(f"{self.stack.facts.endpoint}/_ministack/config", body) as response:
            assert len(json.load(response)["applied"]) == len(settings)

    def fail(self, action: Action, method: str = "GET", path: str = SOURCE, **which: Any) -> None:
        self.proxy.faults.append(Fault(action, method, path, **which))

    def put(self, key: str, body: bytes = RED) -> str:
        return str(self.s3.put_object(Bucket=IN, Key=key, Body=body)["ETag"].strip('"'))

    def upload(self, key: str, body: bytes = RED) -> dict[str, Any]:
        """Store a source; returns its event."""
        return created(key, self.put(key, body), len(body))

    def delete(self, key: str) -> dict[str, Any]:
        self.s3.delete_object(Bucket=IN, Key=key)
        return event("Object Deleted", key)

    def invoke(self, event: object) -> dict[str, Any]:
        """Invoke the function; returns the answer, or `{"raised": message}`."""
        function = self.stack.facts.stack.function
        response = self.stack.functions.invoke(FunctionName=function, Payload=json.dumps(event))
        payload: dict[str, Any] = json.loads(response["Payload"].read())
        return {"raised": payload["errorMessage"]} if "FunctionError" in response else payload

    def run(self, event: object, *, attempts: int = 1) -> dict[str, Any]:
        """Run the workflow with an event; asserts the number of attempts."""
        execution = run(self.stack, event)
        assert self.attempts(execution) == attempts
        return execution

    def attempts(self, execution: dict[str, Any]) -> int:
        return attempts(self.stack, execution)

    def mocked(self, error: str) -> dict[str, Any]:
        """Run the workflow with a task that always fails with this error, instead of the function."""
        machine = self.stack.facts.stack.state_machine
        cases = {machine.rpartition(":")[2]: {"TestCases": {"Mocked": {"ResizeImage": "mocked"}}}}
        response = {"0": {"Throw": {"Error": error, "Cause": '{"errorMessage": "mocked"}'}}}
        self.emulator_setting(_sfn_mock_config={"StateMachines": cases, "MockedResponses": {"mocked": response}})
        try:
            started = self.stack.workflows.start_execution(stateMachineArn=f"{machine}#Mocked", input="{}")
            return finished(self.stack, started["executionArn"])
        finally:
            self.emulator_setting(_sfn_mock_config={})

    def kill_workers(self, number: int = signal.SIGKILL) -> None:
        self.stack.signal_workers(number)

    def logged(self, text: str, least: int = 1) -> list[dict[str, Any]]:
        """The function's log lines that contain `text`, when there are at least so many.

        On a busy machine the emulator writes a line late, with those of the next invocation, so this invokes.
        """

        def look() -> list[dict[str, Any]] | None:
            pages = self.stack.logs.get_paginator("filter_log_events").paginate(
                logGroupName=self.stack.facts.stack.log_group
            )
            lines = [line for page in pages for item in page["events"] for line in item["message"].splitlines()]
            found = [json.loads(line) for line in lines if line.startswith("{") and text in line]
            if len(found) >= least:
                return found
            self.invoke({})
            return None

        return eventually(look, SELDOM)

    def outputs(self) -> dict[str, dict[str, Any]]:
        return {key: self.s3.head_object(Bucket=OUT, Key=key) for key in self.listed(OUT)}

    def listed(self, bucket: str) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def colour(self, key: str) -> tuple[int, ...]:
        image = Image.open(io.BytesIO(self.s3.get_object(Bucket=OUT, Key=f"{key}/64x48.jpg")["Body"].read()))
        pixel = image.convert("RGB").getpixel((32, 10))
        assert isinstance(pixel, tuple)
        return tuple(round(channel / 255) for channel in pixel)

    def disagreements(self) -> set[str]:
        """Violations of the guarantee: missing, stale or orphaned outputs."""
        wanted: dict[str, str] = {}
        for key in self.listed(IN):
            found = self.s3.get_object(Bucket=IN, Key=key)
            if is_picture(found["Body"].read()):
                wanted |= {f"{key}/{name}": found["ETag"].strip('"') for name in OUTPUTS}
        there = {key: head["Metadata"]["tinypics-source-etag"] for key, head in self.outputs().items()}
        return {key for key in wanted.keys() | there.keys() if wanted.get(key) != there.get(key)}


def is_picture(data: bytes) -> bool:
    try:
        Image.open(io.BytesIO(data)).load()
    except (OSError, SyntaxError, MemoryError, Image.DecompressionBombError):
        return False
    return True
