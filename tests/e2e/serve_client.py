"""A client of the serving function in the emulator: its addresses, its log, and the requests that it sends to S3."""

from __future__ import annotations

import http.client
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import tinypics
from tests.answer import Answer
from tests.waiting import PATIENCE
from tinypics.stack.clients import Cloud
from tinypics.stack.deployed import cdn_stack, outputs

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

FUNCTION = "tinypics-serve"


class Site:
    """The addresses of a local stack: those of its function, or with `through_cdn` the distribution in front of it."""

    def __init__(self, stack: LocalStack, *, through_cdn: bool = False) -> None:
        self.stack = stack
        self.through_cdn = through_cdn
        self.cloud = Cloud.local(stack.facts.endpoint, stack.facts.region)
        self._outputs = outputs(self.cloud.client("cloudformation"), cdn_stack("tinypics"))
        self.base = self._outputs["UrlBase"]
        self._settings = stack.functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]

    @cached_property
    def secret(self) -> str:
        found = self.cloud.client("secretsmanager").get_secret_value(SecretId=self._outputs["SigningSecretArn"])
        return str(found["SecretString"])

    def configure(self, **variables: str) -> None:
        self.stack.functions.update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": self._settings | variables}
        )

    def url(self, key: str, rendition: str, **options: Any) -> str:
        return tinypics.url(key, rendition, base=self.base, **options)

    def signed(self, key: str, rendition: str) -> str:
        return self.url(key, rendition, secret=self.secret)

    def get(self, url: str, method: str = "GET", **headers: str) -> Answer:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        path = url.partition(address.netloc)[2]
        if self.through_cdn:  # the emulator finds a distribution by the Host header
            named["Host"], path = self._outputs["DistributionDomain"], "/" + url.removeprefix(self.base)
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return Answer(answer.status, {name.lower(): text for name, text in answer.getheaders()}, body)

    def outcomes(self, key: str) -> list[str]:
        """The outcomes in the function's log lines of a source, in their order."""
        pages = self.stack.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._outputs["ServeLogGroupName"]
        )
        lines = [line for page in pages for item in page["events"] for line in item["message"].splitlines()]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line["outcome"] for line in found if line.get("key") == key]
