"""Our reader of AVIF stills against Pillow: the same pixels, the same refusals."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests import reference
from tests.pictures import encoded, opened, photo
from tinypics import resize
from tinypics.errors import CorruptImage
from tinypics.image import avif_decode, decode, libavif
from tinypics.image.headers import reader
from tinypics.image.limits import DEFAULT
from tinypics.image.picture import OpenPicture
from tinypics.image.stream import BytesStream

pytestmark = pytest.mark.skipif(libavif.library() is None, reason="this Pillow has another libavif")

SIZE = (131, 309)  # several strips, the last of them short


def picture(data: bytes) -> OpenPicture:
    return decode.open_picture(reader.read(BytesStream(data), DEFAULT), DEFAULT)


@pytest.mark.parametrize(
    "options", [{"subsampling": f"4:{each}"} for each in ("4:4", "2:2", "2:0")] + [{"range": "limited"}]
)
def test_the_pixels_are_the_means_of_pillows(options: dict[str, str]) -> None:
    noise = Image.merge("RGB", [Image.effect_noise(SIZE, 90) for _ in range(3)])
    data = encoded(noise, "AVIF", quality=90, speed=9, **options)
    found = picture(data)
    assert avif_decode.takes(found)
    for box in (1, 2, 5, 64, 200):
        means = avif_decode.read(found, box)
        assert means is not None
        np.testing.assert_array_equal(np.asarray(means), np.asarray(opened(data).convert("RGB").reduce(box)))


def test_what_is_left_to_pillow() -> None:
    clear = photo((64, 48))
    clear.putalpha(128)
    assert not avif_decode.takes(picture(encoded(clear, "AVIF")))
    moving = encoded(photo((64, 48)), "AVIF", save_all=True, append_images=[photo((64, 48)).rotate(90)])
    assert not avif_decode.takes(picture(moving))
    assert not avif_decode.takes(picture(encoded(photo((64, 48)).convert("L"), "AVIF", subsampling="4:0:0")))


@pytest.mark.parametrize("orientation", [1, 5, 6, 8])
def test_it_is_turned_like_others(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo((640, 480)), "AVIF", exif=exif.tobytes(), quality=90, speed=9)
    upright = opened(resize(encoded(photo((640, 480)), "JPEG", exif=exif.tobytes(), quality=95), "60x60-png").data)
    assert reference.psnr(np.asarray(opened(resize(data, "60x60-png").data)), np.asarray(upright)) > 36


def test_a_damaged_one_is_refused_like_others() -> None:
    data = encoded(photo((640, 480)), "AVIF", speed=9)
    for cut in (len(data) // 2, len(data) - 9):
        with pytest.raises(CorruptImage, match="ends|damaged"):
            resize(data[:cut], "64x-png")


def test_without_libavif_pillow_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(photo((640, 480)), "AVIF", speed=9)
    best = np.asarray(Image.open(io.BytesIO(resize(data, "64x-png").data)))
    monkeypatch.setattr(libavif, "library", lambda: None)
    assert reference.psnr(np.asarray(opened(resize(data, "64x-png").data)), best) > 45
