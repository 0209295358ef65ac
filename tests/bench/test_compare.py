"""The comparator measures known differences."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFilter

from bench.compare import WrongOutput, judge, reference, ssim
from bench.rows import Wanted
from tests.pictures import encoded, photo, quadrants

pytestmark = pytest.mark.release

PNG = Wanted(64, 48, "png", None)


def plane(value: float, size: int = 24) -> np.ndarray:
    return np.full((size, size), value, np.float64)


def test_what_is_alike_is_alike() -> None:
    picture = np.asarray(photo((64, 48)).convert("L"), np.float64)
    assert ssim(picture, picture) == pytest.approx(1.0)


def test_two_flat_planes_differ_in_brightness_alone() -> None:
    # Without variance the formula is (2ab + C1) / (a^2 + b^2 + C1), with C1 = 6.5025.
    expected = (2 * 100 * 50 + 6.5025) / (100**2 + 50**2 + 6.5025)
    assert ssim(plane(100), plane(50)) == pytest.approx(expected)


def test_the_opposite_of_a_pattern_is_unlike_it() -> None:
    checks = np.indices((24, 24)).sum(axis=0) % 2 * 255.0
    assert ssim(checks, 255.0 - checks) < -0.9


def test_more_blur_is_worse() -> None:
    picture = photo((96, 72))
    expected = np.asarray(picture, np.float64)
    wanted = Wanted(96, 72, "png", None)
    found = [
        judge(encoded(picture.filter(ImageFilter.GaussianBlur(radius)), "PNG"), wanted, expected)
        for radius in (1, 2, 4)
    ]
    assert [each.psnr for each in found] == sorted((each.psnr for each in found), reverse=True)
    assert [each.ssim for each in found] == sorted((each.ssim for each in found), reverse=True)
    assert found[0].ssim < 0.99


def test_noise_of_a_known_size_has_the_psnr_of_its_definition() -> None:
    flat = np.full((48, 64, 3), 100, np.uint8)
    noisy = flat.copy()
    noisy[::2] += 10  # the mean square error is 50
    found = judge(encoded(Image.fromarray(noisy), "PNG"), PNG, flat.astype(np.float64))
    assert found.psnr == pytest.approx(10 * np.log10(255**2 / 50))


@pytest.mark.parametrize(
    ("output", "frames"),
    [
        pytest.param(encoded(photo((64, 47)), "PNG"), 1, id="size"),
        pytest.param(encoded(photo((64, 48)), "JPEG"), 1, id="format"),
        pytest.param(encoded(photo((64, 48)), "PNG"), 2, id="frames"),
    ],
)
def test_another_picture_than_asked_for_is_refused(output: bytes, frames: int) -> None:
    with pytest.raises(WrongOutput, match="instead of"):
        judge(output, PNG, np.zeros((48, 64, 3)), frames)


def test_the_reference_is_upright() -> None:
    turned = quadrants((96, 128)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate clockwise to display
    found = reference(encoded(turned, "PNG", exif=exif), Wanted(48, 64))
    assert np.abs(found[4, 4] - (230, 20, 20)).max() < 2
    assert np.abs(found[-4, 4] - (20, 20, 230)).max() < 2


def test_the_reference_shows_transparent_pixels_as_grey_and_their_colour_does_not_matter() -> None:
    picture = Image.new("RGBA", (128, 96), (255, 0, 0, 0))
    picture.paste((0, 200, 0, 255), (64, 0, 128, 96))
    found = reference(encoded(picture, "PNG"), PNG)
    assert np.abs(found[:, :24] - 127.5).max() < 1
    assert np.abs(found[:, 40:] - (0, 200, 0)).max() < 1
    assert judge(encoded(picture.resize((64, 48)), "PNG"), PNG, found).ssim > 0.99


def test_the_reference_is_cut_to_the_shape_in_the_middle() -> None:
    picture = Image.new("RGB", (300, 96), (255, 0, 0))
    picture.paste((0, 0, 255), (86, 0, 214, 96))  # centred 4:3
    found = reference(encoded(picture, "PNG"), PNG)
    assert np.abs(found[:, 4:-4] - (0, 0, 255)).max() < 2


def test_the_reference_is_in_srgb() -> None:
    picture = quadrants((64, 48))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    same = reference(encoded(picture, "PNG", icc_profile=lab.tobytes()), PNG)
    assert np.abs(same - reference(encoded(picture, "PNG"), PNG)).max() <= 1
