"""HEIF, mostly with a fake of pi_heif, because there is no encoder.

test_images.py has real photos of phones, if they are present.
"""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.heic import heic as encoded_heic
from tests.pictures import QUADRANTS, avif_header, box, corners, full_exif, near, opened, quadrants
from tinypics import install, resize_all
from tinypics.errors import CorruptImage, ImageTooLarge, UnsupportedFormat
from tinypics.image import h273
from tinypics.image.limits import Limits


def heic(size: tuple[int, int], *properties: bytes) -> bytes:
    return avif_header(size, *properties).replace(b"avif", b"heic", 2)


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A file as pi_heif returns it: already upright, independent of its EXIF, and with a profile."""
    picture = SimpleNamespace(size=(64, 48), info={"exif": full_exif(), "icc_profile": h273.build_profile((12, 13))})
    picture.to_pillow = lambda: quadrants()
    opener = SimpleNamespace(open_heif=lambda data, convert_hdr_to_8bit: picture)
    monkeypatch.setitem(sys.modules, "pi_heif", opener)
    return picture


def test_libheif_itself_reads_one_that_is_made_in_code() -> None:
    resized = resize_all(encoded_heic(quadrants((96, 64))), ["48x32-png"])
    assert (resized.source.format, resized.source.width, resized.source.height) == ("heif", 96, 64)
    pairs = zip(corners(opened(resized.outputs[0].data)), QUADRANTS, strict=True)
    assert all(near(one, other) for one, other in pairs)


def test_a_heic_becomes_an_upright_jpeg(phone: SimpleNamespace) -> None:
    resized = resize_all(heic((64, 48)), ["32x24", "32x24-keepall-png"])
    assert (resized.source.format, resized.source.width, resized.source.height) == ("heif", 64, 48)
    plain, kept = resized.outputs
    assert (plain.format, plain.dropped) == ("jpeg", ())
    pairs = zip(corners(opened(kept.data)), QUADRANTS, strict=True)
    assert all(near(one, other) for one, other in pairs)  # kept, because the profile defines them
    assert opened(kept.data).info["icc_profile"] == phone.info["icc_profile"]
    assert near(corners(opened(plain.data))[0], (252, 0, 0), 15)  # the same red, in sRGB


def test_other_content_of_a_phones_file_is_reported(phone: SimpleNamespace) -> None:
    depth = box(b"auxC", bytes(4), b"urn:mpeg:hevc:2015:auxid:2\0")
    assert resize_all(heic((64, 48), depth), ["32x24"]).outputs[0].dropped == ("depth",)


def test_alpha_makes_it_a_png(phone: SimpleNamespace) -> None:
    phone.to_pillow = lambda: Image.new("RGBA", (64, 48), (255, 0, 0, 100))
    assert resize_all(heic((64, 48)), ["32x24"]).outputs[0].format == "png"


def test_the_limits_apply_to_the_size_that_libheif_reports_too(phone: SimpleNamespace) -> None:
    phone.size = (640, 480)
    with pytest.raises(ImageTooLarge, match="640 x 480 pixels"):
        resize_all(heic((64, 48)), ["32x24"], Limits(pixels=10_000))


def test_every_exception_of_libheif_is_corrupt_image(phone: SimpleNamespace) -> None:
    def fail() -> None:
        raise RuntimeError("Invalid input")

    phone.to_pillow = fail
    with pytest.raises(CorruptImage, match="the HEIC/HEIF cannot be decoded: it"):
        resize_all(heic((64, 48)), ["32x24"])


@pytest.mark.parametrize("size", [(0, 48), (64, 0)])
def test_a_size_of_zero_is_corrupt(phone: SimpleNamespace, size: tuple[int, int]) -> None:
    phone.size = size
    with pytest.raises(CorruptImage, match="the HEIC/HEIF header gives no size"):
        resize_all(heic((64, 48)), ["32x"])


def test_without_pi_heif_the_message_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(UnsupportedFormat, match=re.escape(f"needs the package pi-heif: {install.command('heif')}")):
        resize_all(heic((64, 48)), ["32x24"])
