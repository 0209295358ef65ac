"""The picture at the top of the README: `make screenshots` renews it, with the code that resizes yours."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docs.scenery import scene
from tinypics import resize_all

if TYPE_CHECKING:
    from tinypics import Output

PLACE: Final = Path(__file__).parent / "result.svg"
SKY: Final = ((36, 60, 110), (246, 176, 140), (40, 70, 88))
RENDITIONS: Final = ("card=300x-webp", "thumb=128x128", "icon=64x64-webp")
SHOWN: Final = "330x-webp-q70"  # the original, scaled to its place in the drawing
STYLE: Final = """
    text { font: 13px system-ui, sans-serif; fill: #57606a }
    .bucket { font-weight: 600; font-size: 15px; fill: #1f2328 }
    .frame { fill: none; stroke: #d0d7de }
    .arrow { fill: none; stroke: #57606a; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #9198a1 } .bucket { fill: #f0f6fc } .frame { stroke: #3d444d } .arrow { stroke: #9198a1 }
    }"""


def image(output: Output, x: int, y: int) -> str:
    data = base64.b64encode(output.data).decode()
    address = f"data:{output.content_type};base64,{data}"
    return f'<image x="{x}" y="{y}" width="{output.width}" height="{output.height}" href="{address}"/>'


def text(words: str, x: int, y: int, style: str = "") -> str:
    return f'<text x="{x}" y="{y}"{style and f" class={style!r}"}>{words}</text>'


def size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.1f} kB"


def drawn() -> str:
    """The drawing: the upload in its bucket, an arrow, and its true outputs in the other."""
    file = io.BytesIO()
    scene(*SKY, (4032, 3024)).save(file, "JPEG", quality=92)
    source, (shown, *outputs) = file.getvalue(), resize_all(file.getvalue(), [SHOWN, *RENDITIONS]).outputs
    parts = [
        '<rect class="frame" x="0.5" y="30.5" width="350" height="306" rx="8"/>',
        text("original-pics", 10, 20, "bucket"),
        image(shown, 10, 40),
        text(f"fjord.jpg · 4032 × 3024 · {size(len(source))}", 10, 322),
        '<path class="arrow" d="M 362 180 h 34 m -9 -7 l 9 7 l -9 7"/>',
        '<rect class="frame" x="408.5" y="30.5" width="491" height="306" rx="8"/>',
        text("tiny-pics", 418, 20, "bucket"),
    ]
    for output, (x, y) in zip(outputs, ((418, 40), (730, 40), (730, 222)), strict=True):
        key = f"fjord.jpg/{output.rendition.label}.{output.extension}"
        below = y + output.height
        parts += [image(output, x, y), text(key, x, below + 18)]
        parts.append(text(f"{output.width} × {output.height} · {size(len(output.data))}", x, below + 36))
    lines = "\n  ".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 337" role="img">
  <title>A photo in the bucket original-pics, and its three renditions in the bucket tiny-pics</title>
  <style>{STYLE}
  </style>
  {lines}
</svg>
"""


if __name__ == "__main__":
    PLACE.write_text(drawn(), encoding="utf-8")
    print(f"docs/{PLACE.name}: {size(PLACE.stat().st_size)}")
