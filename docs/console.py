"""The screenshots of console.md: `make screenshots` renews them, with a real emulator and Chromium."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import FilePayload, sync_playwright

from docs.scenery import scene
from tinypics.console.server import serving
from tinypics.local import deploy
from tinypics.stack.clients import Cloud

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HERE = Path(__file__).parent
SHOTS = HERE / "console"
MOST = 150_000  # bytes of one
WIDE, PHONE = (1280, 800), (390, 844)
RENDITIONS = "hero=260x,tile=160x160-webp,thumb=96x96"
SKIES = {
    "holiday/fjord at dawn.jpg": ((36, 60, 110), (246, 176, 140), (40, 70, 88)),
    "holiday/dunes.jpg": ((92, 160, 214), (250, 226, 182), (196, 132, 74)),
    "holiday/IMG_4711.jpg": ((18, 24, 52), (120, 84, 140), (24, 30, 54)),
    "garden.png": ((140, 200, 236), (232, 246, 240), (66, 132, 84)),
    "it's <b>100 %</b>.webp": ((250, 200, 120), (252, 120, 110), (110, 40, 84)),
}
# Without an `eval`, which the page's policy forbids. Images below the screen are loaded when they come into view.
LOADED = """() => Promise.all([...document.images]
    .filter((image) => !image.complete && image.getBoundingClientRect().top < innerHeight)
    .map((image) => new Promise((done) => { image.onload = image.onerror = done; })))"""


def photo(key: str) -> bytes:
    file = io.BytesIO()
    kind = {"png": "PNG", "webp": "WEBP"}.get(key.rpartition(".")[2], "JPEG")
    scene(*SKIES[key], (2400, 1600)).save(file, kind, quality=88)
    return file.getvalue()


def shoot(page: Page, name: str) -> None:
    """A picture of what is on the screen, small enough for a page."""
    page.evaluate(LOADED)
    with Image.open(io.BytesIO(page.screenshot())) as image:
        image.save(SHOTS / f"{name}.webp", quality=82, method=6)
    size = (SHOTS / f"{name}.webp").stat().st_size
    print(f"docs/console/{name}.webp: {size / 1000:.0f} kB")
    if size > MOST:
        raise SystemExit(f"{name}: expected at most {MOST:,} bytes")


def opened(browser: Browser, address: str, size: tuple[int, int], scheme: str) -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=size == PHONE,
        is_mobile=size == PHONE,
    )
    page = context.new_page()
    page.goto(address)
    page.locator(".zone").wait_for()
    return page


def tour(browser: Browser, address: str) -> None:
    page = opened(browser, address, WIDE, "light")
    files = [FilePayload(name=key, mimeType="image/jpeg", buffer=photo(key)) for key in SKIES]
    broken = FilePayload(name="cut short.jpg", mimeType="image/jpeg", buffer=photo("holiday/dunes.jpg")[:40_000])
    page.set_input_files("#files", [*files[1:], broken])
    page.locator(".uploads li.ended").nth(len(files) - 1).wait_for(state="attached")
    page.reload()  # the list alone
    page.set_input_files("#files", files[:1])
    page.locator("a.tile", has_text="fjord").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.locator("a.tile img").nth(len(files) - 1).wait_for()
    shoot(page, "pictures")
    page.locator("a.tile", has_text="fjord").click()
    page.get_by_role("button", name="hero").click()
    page.locator(".strip img").nth(3).wait_for()
    page.locator(".executions a.row").wait_for()
    shoot(page, "picture")
    page.evaluate("location.hash = '#/try?bucket=original-pics&key=holiday/dunes.jpg'")
    page.locator(".result img").wait_for()
    page.locator(".focusable").click(position={"x": 90, "y": 60})
    page.locator(".result", has_text="at0").wait_for()
    shoot(page, "try")
    night = opened(browser, address, WIDE, "dark")
    night.evaluate("location.hash = '#/executions?status=FAILED'")
    night.locator("a.row", has_text="cut short").click()
    night.locator("[data-state=Failed].visited").wait_for()
    night.locator("details.line").wait_for()
    shoot(night, "failed-dark")
    small = opened(browser, address, PHONE, "dark")
    small.locator("a.tile img").nth(len(files) - 1).wait_for()
    shoot(small, "phone-dark")
    bright = opened(browser, address, PHONE, "light")
    bright.evaluate("location.hash = '#/failures'")
    bright.locator(".failure").wait_for()
    shoot(bright, "phone-failures")


def main() -> None:
    """Start everything, take the pictures, stop everything."""
    SHOTS.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        deploy.running(Path(data), HERE.parent, 0, {"Renditions": RENDITIONS}) as (_, facts),
        serving(Cloud.local(facts.endpoint, facts.region), facts.stack) as address,
        sync_playwright() as playwright,
    ):
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            tour(browser, address)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
