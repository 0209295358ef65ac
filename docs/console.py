"""The screenshots of console.md: `python docs/console.py` renews them, with a real emulator and Chromium.

The pictures on them are drawn here, because the project contains no photos.
"""

from __future__ import annotations

import io
import math
import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import FilePayload, sync_playwright

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


def scene(top: tuple[int, ...], low: tuple[int, ...], land: tuple[int, ...], size: tuple[int, int]) -> Image.Image:
    """Hills before a sky with a sun."""
    wide, high = size
    chance = random.Random(sum(top))  # noqa: S311 - a drawing
    sky = Image.linear_gradient("L").resize(size)
    image = Image.composite(Image.new("RGB", size, low), Image.new("RGB", size, top), sky)
    sun = Image.new("L", size)
    x, y, r = chance.uniform(0.25, 0.75) * wide, 0.42 * high, 0.07 * high
    ImageDraw.Draw(sun).ellipse((x - r, y - r, x + r, y + r), fill=235)
    glow = sun.filter(ImageFilter.GaussianBlur(r))
    image.paste((255, 244, 214), mask=glow)
    image.paste((255, 250, 236), mask=sun.filter(ImageFilter.GaussianBlur(3)))
    draw = ImageDraw.Draw(image)
    for layer in range(4):
        share = (layer + 1) / 4
        colour = tuple(round(a * (1 - share) + b * share) for a, b in zip(low, land, strict=True))
        waves = [(chance.uniform(0.6, 2.4), chance.uniform(0, 7), chance.uniform(0.02, 0.06)) for _ in range(3)]
        base = high * (0.5 + 0.12 * layer)
        ridge = [
            (px, base + high * sum(a * math.sin(f * 6 * px / wide + p) for f, p, a in waves))
            for px in range(0, wide, 4)
        ]
        draw.polygon([(0, high), *ridge, (wide, high)], fill=colour)
    return image


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
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
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
    page.locator(".uploads li.ended").nth(len(files) - 1).wait_for()
    page.reload()  # the list alone
    page.set_input_files("#files", files[:1])
    page.locator(".uploads li.ended img").wait_for()
    page.locator("a.row img").nth(len(files) - 1).wait_for()
    shoot(page, "pictures")
    page.locator("a.row", has_text="fjord").click()
    page.locator(".pictures img").nth(3).wait_for()
    shoot(page, "execution")
    page.evaluate("location.hash = '#/try?bucket=original-pics&key=holiday/dunes.jpg'")
    page.locator(".result img").wait_for()
    page.locator(".focusable").click(position={"x": 90, "y": 60})
    page.locator(".result", has_text="at0").wait_for()
    shoot(page, "try")
    night = opened(browser, address, WIDE, "dark")
    night.locator("a.row", has_text="cut short").click()
    night.locator("[data-state=Failed].visited").wait_for()
    night.locator("details.line").wait_for()
    shoot(night, "failed-dark")
    small = opened(browser, address, PHONE, "dark")
    small.locator("a.row img").nth(len(files) - 1).wait_for()
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
        serving(Cloud.local(facts.endpoint, facts.region), facts.stack, 0) as address,
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
