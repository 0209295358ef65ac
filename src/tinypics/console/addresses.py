"""Addresses of outputs, as `tinypics url` prints them: of any size, signed if the stack does not list it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tinypics
from tinypics.errors import InvalidRequest
from tinypics.stack import deployed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.stack.clients import Cloud
    from tinypics.stack.deployed import Stack


class Addresses:
    """Addresses of a stack's outputs."""

    def __init__(self, cloud: Cloud, stack: Stack) -> None:
        self._cloud = cloud
        self._stack = stack

    def address(self, document: Mapping[str, Any]) -> dict[str, str]:
        """The address of the output of `key` with the text form or the name in `rendition`.

        :raises InvalidRequest: for another key or rendition, and for a stack without addresses.
        """
        key, text = document.get("key"), document.get("rendition")
        if not isinstance(key, str) or not isinstance(text, str):
            raise InvalidRequest.expected("rendition", "a key and a rendition like 320x-webp", text)
        settings = deployed.settings(self._cloud, self._stack)
        base = deployed.address_base(self._stack, settings)
        if not base:
            raise InvalidRequest.expected("address", "a stack with addresses (Cdn=on)", None)
        listed = settings.listed(text)
        secret = None if listed else deployed.signing_secret(self._cloud, self._stack)
        version = deployed.source_version(self._cloud, self._stack, key)
        return {"url": tinypics.url(key, listed or text, base=base, version=version, secret=secret)}
