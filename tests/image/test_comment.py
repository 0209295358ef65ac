from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageSequence

from tinypics.image import formats
from tinypics.image.comment import with_comment
from tinypics.image.pipeline import resize
from tinypics.image.rendition import Rendition


def picture(*, animated: bool) -> bytes:
    buffer = io.BytesIO()
    first = Image.linear_gradient("L").resize((40, 30)).convert("RGB")
    frames = [first.rotate(180)] if animated else []
    first.save(buffer, "GIF", save_all=animated, append_images=frames)
    return buffer.getvalue()


@pytest.mark.parametrize("animated", [False, True])
@pytest.mark.parametrize("format", formats.OUTPUTS)
@pytest.mark.parametrize("text", [b"0123456789abcdef", b"odd"])
def test_a_comment_changes_the_bytes_and_nothing_else(format: str, animated: bool, text: bytes) -> None:
    made = resize(picture(animated=animated), Rendition(width=20, format=format))
    noted = with_comment(made.data, format, text)
    assert text in noted
    assert len(noted) <= len(made.data) + len(text) + 24
    with Image.open(io.BytesIO(made.data)) as before, Image.open(io.BytesIO(noted)) as after:
        after.verify()
        pairs = zip(ImageSequence.Iterator(before), ImageSequence.Iterator(Image.open(io.BytesIO(noted))), strict=True)
        assert not any(ImageChops.difference(one.convert("RGBA"), two.convert("RGBA")).getbbox() for one, two in pairs)
    assert resize(noted, Rendition(width=20)).width == 20


def test_a_comment_of_a_jpeg_follows_its_jfif_header() -> None:
    made = resize(picture(animated=False), Rendition(width=20, format="jpeg"))
    noted = with_comment(made.data, "jpeg", b"0123")
    assert noted[:4] == made.data[:4]
    with Image.open(io.BytesIO(noted)) as image:
        assert image.info["comment"] == b"0123"
