"""A WebP that libwebp decodes smaller: as good, refused alike, and decoded whole where it would be worse."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from PIL import Image, _webp

from tests import reference
from tests.pictures import encoded, opened, photo
from tinypics import errors, resize
from tinypics.image import decode, webp_decode
from tinypics.image.limits import Limits

pytestmark = pytest.mark.skipif(webp_decode._libwebp() is None, reason="libwebp cannot be called in this Pillow")


@pytest.fixture(scope="module")
def data() -> bytes:
    return encoded(photo((1200, 900)), "WEBP", quality=90, method=0)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Resizes with a decoder of the full size."""

    def resized(data: bytes, text: str) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(webp_decode, "scales", lambda _: False)
            return resize(data, text)

    return resized


def pixels(data: bytes) -> Any:
    return np.asarray(opened(data).convert("RGB")).astype(float)


def scale_of(data: bytes, text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    used, frames = [], decode.frames

    def watched(picture: Any, scale: int, **options: bool) -> Any:
        used.append(scale)
        return frames(picture, scale, **options)

    monkeypatch.setattr(decode, "frames", watched)
    resize(data, text)
    return used[0]


@pytest.mark.parametrize(
    ("text", "scale"), [("60x-png", 6), ("60x", 6), ("200x", 3), ("200x-png", 2), ("300x", 2), ("301x", 1), ("900x", 1)]
)
def test_there_are_enough_pixels_for_the_output(
    data: bytes, text: str, scale: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scale_of(data, text, monkeypatch) == scale


@pytest.mark.parametrize("text", ["60x-png", "151x-png", "200x-png", "90x90-png", "100x300-at0.37x0.5-png"])
def test_it_is_as_good_as_the_whole(data: bytes, text: str, whole: Any) -> None:
    assert reference.psnr(pixels(resize(data, text).data), pixels(whole(data, text).data)) >= 50


@pytest.mark.parametrize("text", ["60x", "151x", "200x", "300x", "300x-jpeg"])
def test_a_lossy_output_loses_next_to_nothing(data: bytes, text: str, whole: Any) -> None:
    output = resize(data, text)
    exact = reference.lanczos(pixels(data), (output.width, output.height))
    ours, theirs = (reference.psnr(pixels(each.data), exact) for each in (output, whole(data, text)))
    assert ours >= theirs - 0.5


def test_it_is_upright_and_has_its_profile(whole: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(photo((601, 403)), "WEBP", quality=90, exif=exif.tobytes())
    output = resize(turned, "50x-png")
    assert (output.width, output.height) == (50, 75)
    assert reference.psnr(pixels(output.data), pixels(whole(turned, "50x-png").data)) >= 46


@pytest.mark.parametrize("kind", ["alpha", "lossless", "animated"])
def test_others_are_decoded_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = photo((400, 300))
    options: dict[str, Any] = {"lossless": kind == "lossless"}
    if kind == "alpha":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    if kind == "animated":
        options |= {"save_all": True, "append_images": [image.transpose(Image.Transpose.ROTATE_180)]}
    data = encoded(image, "WEBP", **options)
    assert not webp_decode.scales(data)
    assert scale_of(data, "20x-png", monkeypatch) == 1


@pytest.mark.parametrize("missing", ["file", "version", "symbol"])
def test_pillow_decodes_where_libwebp_is_missing_or_another(
    missing: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "file":
        monkeypatch.setattr(_webp, "__file__", "/nowhere/PIL/_webp.so")
    elif missing == "version":
        monkeypatch.setattr(webp_decode, "_ABI", 0x0109)
    else:
        monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    monkeypatch.setattr(webp_decode, "_libwebp", webp_decode._libwebp.__wrapped__)
    assert not webp_decode.scales(data)
    assert resize(data, "60x").width == 60


def outcome(resized: Any, data: bytes) -> str:
    try:
        return f"{resized(data, '60x-png').width}"
    except errors.PermanentError as error:
        return f"{error.name}: {error.message}"


def test_damaged_files_are_refused_as_pillow_refuses_them(data: bytes, whole: Any) -> None:
    chosen, found = np.random.default_rng(9), set()
    for number in range(60):
        broken = bytearray(data)
        for _ in range(4):  # the first bytes have the sizes of the partitions
            broken[chosen.integers(20, 60 if number % 2 else len(data))] = chosen.integers(256)
        ours, theirs = outcome(resize, bytes(broken)), outcome(whole, bytes(broken))
        assert ours == theirs
        found.add(ours.partition(":")[0])
    assert {"60", "CorruptImage"} <= found


@pytest.mark.parametrize("length", [40, 5_000, -1])
def test_a_truncated_file_is_corrupt(data: bytes, length: int, whole: Any) -> None:
    assert outcome(resize, data[:length]) == outcome(whole, data[:length])
    assert outcome(resize, data[:length]).startswith("CorruptImage")


def test_a_bomb_is_refused_by_its_header(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webp_decode, "read", lambda *_: pytest.fail("decoded"))
    with pytest.raises(errors.ImageTooLarge):
        resize(data, "60x", Limits(pixels=1_000_000))


def test_missing_memory_is_reported_as_such(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webp_decode, "_OUT_OF_MEMORY", 7)  # the status of data that are cut short
    with pytest.raises(MemoryError):
        webp_decode.read(data[:60], (10, 10))
    monkeypatch.undo()
    with pytest.raises(OSError, match="status"):
        webp_decode.read(data[:60], (10, 10))
