"""The picture at the top of the README has true outputs, and says their true sizes."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

from PIL import Image

from docs import result

SVG = "{http://www.w3.org/2000/svg}"


def test_every_output_on_it_has_the_size_that_it_says() -> None:
    text = Path(result.PLACE).read_text(encoding="utf-8")
    assert len(text) < 150_000
    tree = ET.fromstring(text)  # noqa: S314 - our own file
    shown, *outputs = (each.get("href", "") for each in tree.iter(f"{SVG}image"))
    words = [each.text or "" for each in tree.iter(f"{SVG}text")]
    told = [tuple(map(int, match.groups())) for each in words if (match := re.match(r"(\d+) × (\d+) · ", each))]
    assert [size(address) for address in outputs] == told
    assert len(told) == len(result.RENDITIONS)
    assert size(shown)[0] == 330


def test_it_loads_nothing_from_elsewhere() -> None:
    text = Path(result.PLACE).read_text(encoding="utf-8")
    assert not re.search(r"href=.(?!data:)|<script|@import|url\(", text)


def size(address: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(base64.b64decode(address.partition("base64,")[2]))) as image:
        return image.size
