"""The native resampler: nearer to exact arithmetic than Pillow, the same pixels by all vectors, and its refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests import reference
from tests.pictures import encoded, opened, photo
from tinypics import resize
from tinypics.image import native
from tinypics.image.transform import Level, resample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinypics.image.geometry import Box, Size

CHANNELS = {"L": 1, "La": 2, "RGB": 3, "RGBa": 4, "CMYK": 4}
CORE: Any = Image.core  # type: ignore[attr-defined]
kernels: Any = native.kernels()

pytestmark = pytest.mark.skipif(
    kernels is None or not kernels.level(), reason=f"no native module, no vectors, or {native.SWITCH} is 0"
)


def picture(mode: str, size: Size, seed: int, *, hard: bool = False) -> Image.Image:
    """Noise; `hard` is black and white, which overshoots."""
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], CHANNELS[mode]), dtype=np.uint8)
    values = np.where(values < 128, 0, 255).astype(np.uint8) if hard else values
    return (
        Image.merge(mode, [Image.fromarray(values[:, :, band]) for band in range(CHANNELS[mode])])
        if mode not in ("La", "RGBa")
        else Image.frombytes(mode, size, values.tobytes())
    )


def bands(image: Image.Image) -> NDArray[np.uint8]:
    return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width, CHANNELS[image.mode])


def exact(image: Image.Image, box: Box, size: Size) -> NDArray[np.float64]:
    return reference.lanczos(bands(image).astype(float), size, box)


def at_level(image: Image.Image, box: Box, size: Size, level: int) -> Image.Image:
    made = Image.new(image.mode, size)
    (_, source), (_, target) = image.__arrow_c_array__(), made.__arrow_c_array__()
    pixel = 1 if image.mode == "L" else 4
    assert kernels.resample(pixel, source, image.size, box, target, size, level)
    return made


@st.composite
def tasks(draw: st.DrawFn) -> tuple[Image.Image, Box, Size]:
    size = draw(st.integers(1, 150)), draw(st.integers(1, 60))
    hard = draw(st.booleans())
    image = picture(draw(st.sampled_from(sorted(CHANNELS))), size, draw(st.integers(0, 99)), hard=hard)
    left, top = draw(st.floats(0, size[0] - 0.5)), draw(st.floats(0, size[1] - 0.5))
    box = (left, top, draw(st.floats(left + 0.25, size[0])), draw(st.floats(top + 0.25, size[1])))
    return image, box, (draw(st.integers(1, 60)), draw(st.integers(1, 40)))


@given(tasks())
@settings(max_examples=60)
def test_all_vectors_give_the_pixels_of_exact_arithmetic(task: tuple[Image.Image, Box, Size]) -> None:
    image, box, size = task
    found = [bands(at_level(image, box, size, level)) for level in range(kernels.level() + 1)]
    assert all((each == found[0]).all() for each in found)
    assert np.abs(found[0] - exact(image, box, size)).max() < 1
    assert native.resample(image, box, size) is not None


@pytest.mark.parametrize("mode", CHANNELS)
def test_it_is_nearer_to_exact_arithmetic_than_pillow(mode: str) -> None:
    image, box, size = picture(mode, (300, 200), 1), (3.3, 0.0, 290.1, 200.0), (90, 70)
    truth, made = exact(image, box, size), native.resample(image, box, size)
    assert made is not None
    pillow = image.resize(size, Image.Resampling.LANCZOS, box)
    ours, theirs = (np.abs(bands(each) - truth) for each in (made, pillow))
    assert ours.mean() < theirs.mean()
    assert np.abs(bands(made).astype(int) - bands(pillow)).max() <= 21  # documented in docs/library.md


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_one_colour_stays_exactly_that_colour(mode: str, value: int) -> None:
    for size in ((1, 1), (7, 300), (333, 2), (64, 64)):
        image = Image.frombytes(mode, size, bytes([value]) * (size[0] * size[1] * CHANNELS[mode]))
        for to in ((1, 1), (13, 5), (70, 90)):
            made = native.resample(image, (0, 0, *size), to)
            assert made is not None
            assert set(made.tobytes()) == {value}


@pytest.mark.parametrize(
    ("size", "to"), [((20_000, 1), (1, 1)), ((1, 9000), (1, 3)), ((1, 1), (3000, 2)), ((70_000, 2), (7, 2))]
)
def test_extreme_sizes(size: Size, to: Size) -> None:
    image = picture("RGB", size, 3)
    made = native.resample(image, (0, 0, *size), to)
    assert made is not None
    assert np.abs(bands(made) - exact(image, (0, 0, *size), to)).max() < 1


@pytest.mark.parametrize("level", [{}, {"extent": (61.5, 40.25)}])
def test_it_is_the_way_of_every_resize(level: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A fractional box, upright or not, with and without the module: the same place, nearly the same pixels."""
    image = photo((64, 48))
    base = Level(image, level.get("extent", image.size), (0, 0, 64, 48))
    with_module = resample(base, (10.5, 3.25, 50, 40), (16, 12))
    monkeypatch.setattr(native, "kernels", lambda: None)
    without = resample(base, (10.5, 3.25, 50, 40), (16, 12))
    assert (with_module.mode, with_module.size) == (without.mode, without.size)
    assert np.abs(bands(with_module).astype(int) - bands(without)).max() <= 3


def test_pillow_does_what_the_module_cannot() -> None:
    """Modes whose alpha is not premultiplied, wide samples, and images in several blocks of memory."""
    for mode in ("RGBA", "LA", "I;16", "F", "I", "P", "1"):
        assert native.resample(Image.new(mode, (8, 8)), (0, 0, 8, 8), (4, 4)) is None
    CORE.set_use_block_allocator(0)
    try:
        large = Image.new("RGB", (2200, 2200), (1, 2, 3))
    finally:
        CORE.set_use_block_allocator(1)
    assert native.resample(large, (0, 0, 2200, 2200), (4, 4)) is None
    assert resample(Level(large, large.size, (0, 0, 2200, 2200)), (0, 0, 2200, 2200), (4, 4)).getpixel((2, 2)) == (
        1,
        2,
        3,
    )
    assert native.resample(Image.new("RGB", (2200, 2200), (1, 2, 3)), (0, 0, 2200, 2200), (4, 4)) is not None


def test_an_output_has_the_same_size_without_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(photo((400, 300)), "JPEG", quality=95)
    with_module = resize(data, "90x70-png")
    monkeypatch.setattr(native, "kernels", lambda: None)
    without = resize(data, "90x70-png")
    assert (with_module.width, with_module.height) == (without.width, without.height) == (90, 70)
    assert reference.psnr(*(bands(opened(each.data)).astype(float) for each in (with_module, without))) > 45


GOOD: tuple[Any, ...] = (4, (8, 8), (0.0, 0.0, 8.0, 8.0), (4, 4), 0)


@pytest.mark.parametrize(
    "changed",
    [
        {0: 3},
        {0: 1},
        {1: (8, 9)},
        {1: (0, 8)},
        {1: (-8, -8)},
        {1: (1 << 30, 1 << 30)},
        {2: (0.0, 0.0, 8.1, 8.0)},
        {2: (-0.1, 0.0, 8.0, 8.0)},
        {2: (4.0, 0.0, 4.0, 8.0)},
        {2: (0.0, 0.0, 8.0, float("nan"))},
        {2: (float("nan"), 0.0, 8.0, 8.0)},
        {2: (0.0, 0.0, float("inf"), 8.0)},
        {3: (4, 5)},
        {3: (0, 0)},
        {4: 3},
        {4: -1},
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[int, Any]) -> None:
    pixel, size, box, to, level = (changed.get(number, value) for number, value in enumerate(GOOD))
    source, target = Image.new("RGB", (8, 8)), Image.new("RGB", (4, 4))
    with pytest.raises(ValueError, match="expected"):
        kernels.resample(pixel, source.__arrow_c_array__()[1], size, box, target.__arrow_c_array__()[1], to, level)


@pytest.mark.parametrize("source", [None, b"bytes", Image.new("RGB", (8, 8)).__arrow_c_schema__()])
def test_what_is_no_image_is_refused(source: Any) -> None:
    target = Image.new("RGB", (4, 4)).__arrow_c_array__()[1]
    with pytest.raises(ValueError, match="PyCapsule"):
        kernels.resample(4, source, (8, 8), (0.0, 0.0, 8.0, 8.0), target, (4, 4))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_wide_samples_are_not_taken_for_bytes(mode: str) -> None:
    source, target = (Image.new(each, (8, 8)).__arrow_c_array__()[1] for each in (mode, "RGB"))
    with pytest.raises(ValueError, match="8 bits"):
        kernels.resample(4, source, (8, 8), (0.0, 0.0, 8.0, 8.0), target, (8, 8))
