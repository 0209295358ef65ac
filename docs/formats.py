"""The tables of docs/formats.md, from the code (`make pages` writes them), and a page of sample pictures.

.venv/bin/python docs/formats.py DIR       # the samples, made by the real pipeline, to look at
"""

from __future__ import annotations

import argparse
import ast
import html
import io
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tinypics.image import formats, limits, rendition

if TYPE_CHECKING:
    from collections.abc import Iterable

SAMPLES: Final = (
    "240x160",
    "160x160",
    "160x160-northwest",
    "160x160-attention",
    "240x240-contain-bg204060",
    "160x80-fill",
    "160x160-inside",
    "120x160-rotate90",
    "240x160-png",
    "240x160-webp",
    "240x160-avif",
    "240x160-gif",
    "240x160-jpeg-q20",
)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def formats_table() -> str:
    head = ("format", "name", "read", "written", "animation", "alpha", "lossless", "quality")
    return table(head, (_format(codec) for codec in formats.FORMATS.values()))


def _format(codec: formats.Codec) -> list[str]:
    facts = (codec.encodes, codec.animated, codec.encodes and codec.alpha, codec.lossless)
    written = ["yes" if fact else "" for fact in facts]
    return [codec.label, f"`{codec.name}`", codec.features, *written, str(codec.quality or "")]


def limits_table() -> str:
    said = _docstrings(limits.__file__, "Limits")
    rows = ([f"`{name}`", _value(default), said[name]] for name, default in vars(limits.DEFAULT).items())
    return table(("limit", "default", "of what"), rows)


def _value(default: object) -> str:
    if isinstance(default, bool):
        return "true" if default else "false"
    return f"{default:,}" if isinstance(default, int) else f"`{default}`" if default is not None else ""


def renditions() -> str:
    said = _docstrings(rendition.__file__, "Rendition")
    rows = (
        [f"`{field}`", _value(getattr(rendition.Rendition, field)), said.get(field, "")] for field in rendition.FIELDS
    )
    return table(("field", "default", "meaning"), rows)


def _docstrings(file: str, name: str) -> dict[str, str]:
    """The docstring below each field of a class. Python does not keep them, so they are read from the source."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    said = {}
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            said[ast.unparse(field.target)] = " ".join(str(below.value.value).split())
    return said


def samples(folder: Path) -> None:
    """Write a page with one drawn picture as each of `SAMPLES`, with format, size and bytes."""
    from tinypics import resize_all

    folder.mkdir(parents=True, exist_ok=True)
    outputs = resize_all(_drawing(), SAMPLES).outputs
    items = []
    for output in outputs:
        name = f"{output.rendition.label}.{output.extension}"
        (folder / name).write_bytes(output.data)
        facts = f"{output.rendition}: {output.format}, {output.width} x {output.height}, {len(output.data):,} bytes"
        picture = f'<img src="{html.escape(name)}" alt="">'
        items.append(f"<figure>{picture}<figcaption>{html.escape(facts)}</figcaption></figure>")
    style = "body{font-family:sans-serif;background:#ddd}figure{display:inline-block}"
    page = f"<!doctype html><meta charset=utf-8><title>Samples</title><style>{style}</style>" + "\n".join(items)
    (folder / "index.html").write_text(page, encoding="utf-8")


def _drawing() -> bytes:
    """A sunset with a house in a corner: a subject to crop, gradients that may band, edges that may ring."""
    from PIL import Image, ImageDraw

    ramp = Image.linear_gradient("L").resize((1200, 800))
    image = Image.merge("RGB", [ramp.point([top - v * top // 400 for v in range(256)]) for top in (250, 170, 200)])
    draw = ImageDraw.Draw(image)
    draw.ellipse((760, 120, 1000, 360), fill=(255, 230, 120))
    draw.rectangle((120, 460, 420, 720), fill=(120, 60, 50))
    draw.polygon(((90, 460), (270, 330), (450, 460)), fill=(70, 30, 40))
    draw.rectangle((230, 580, 310, 720), fill=(240, 220, 180))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, metavar="DIR", help="the folder for the samples; it is created")
    samples(options.parse_args().folder)
