"""An answer to a request for an address, from the function or over HTTP."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cached(self) -> str:
        return self.headers["cache-control"]

    @property
    def picture(self) -> Image.Image:
        return Image.open(io.BytesIO(self.body))
