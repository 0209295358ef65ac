"""The console of a running emulator in Chromium."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.local_stack import LocalStack
from tests.waiting import PATIENCE
from tinypics.console.server import serving
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

MS = PATIENCE * 1000
expect.set_options(timeout=MS)


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser's session as patient as `expect`."""
    context = browser.new_context(**options)
    context.set_default_timeout(MS)
    return context


def once_told(stack: LocalStack, check: Callable[[float], None]) -> None:
    """`check(milliseconds)`, which waits for a log line.

    On a busy machine the emulator writes a line late, with those of the next picture, so this uploads one.
    """
    for _ in range(int(PATIENCE / 3)):
        with contextlib.suppress(AssertionError):
            return check(3000)
        stack.functions.invoke(FunctionName=stack.facts.stack.function, Payload=b"{}")
    return check(3000)


def copied(page: Page, pattern: str) -> None:
    """Waits until the clipboard's text matches, because a page writes to it asynchronously."""
    page.wait_for_function(
        "async (pattern) => new RegExp(pattern).test(await navigator.clipboard.readText())", arg=pattern
    )


@pytest.fixture(scope="session")
def address(stack: LocalStack) -> Iterator[str]:
    with serving(Cloud.local(stack.facts.endpoint, stack.facts.region), stack.facts.stack) as address:
        yield address


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = new_context(browser, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """The open console. An error in the browser's console, or a violation of the page's policy, fails the test."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    page.locator(".zone").wait_for()
    yield page
    assert said == []
