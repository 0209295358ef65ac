"""Real photos and unusual files: ../shared/images matches its catalogue. Skipped if the folder does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from tests.pictures import corners, near, opened
from tinypics import resize_all
from tinypics.errors import CorruptImage, UnsupportedFormat
from tinypics.image.formats import FORMATS
from tinypics.image.limits import Limits

FOLDER: Final = Path(__file__).resolve().parents[3] / "shared" / "images"
FILES: Final = sorted(path for path in FOLDER.glob("*") if path.suffix != ".md")

pytestmark = [pytest.mark.images, pytest.mark.skipif(not FILES, reason="needs ../shared/images")]

REFUSED: Final = ("corrupt-header.jpg", "truncated.jpg")
DROPPED: Final = {
    "grey-alpha-16bit.png": ("bit-depth",),
    "multipage-bilevel.tif": ("pages",),
    "p3-10bit.avif": ("hdr", "bit-depth"),
    "photo-16bit.png": ("bit-depth",),
    "ultra-hdr-gain-map.jpg": ("gain-map",),
}


def catalogue() -> dict[str, tuple[str, tuple[int, int], int]]:
    """Format, size after EXIF orientation and frames, by file name, as the table in the folder's README gives them."""
    rows = {}
    for line in (FOLDER / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) >= 6 and (size := re.fullmatch(r"(\d+)x(\d+)", cells[4])):
            rows[cells[0]] = (cells[2].split()[0].lower(), (int(size[1]), int(size[2])), int(cells[5]))
    return rows


@pytest.mark.table
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_matches_the_catalogue(path: Path) -> None:
    data = path.read_bytes()
    if path.name in REFUSED:
        with pytest.raises((CorruptImage, UnsupportedFormat)):
            resize_all(data, ["128x128"])
        return
    resized = resize_all(data, ["128x128", "100x75-contain-webp", "64x"])
    source = resized.source
    if path.name in catalogue():
        format, size, frames = catalogue()[path.name]
        assert (source.format, (source.width, source.height)) == (format, size)
        assert source.frames == (1 if format == "tiff" else frames)  # pages do not count as frames
    exact, padded, narrow = resized.outputs
    assert [(o.width, o.height) for o in (exact, padded)] == [(128, 128), (100, 75)]
    assert (narrow.width, narrow.height) == (
        min(64, source.width), max(1, round(source.height * min(64, source.width) / source.width)),
    )  # fmt: skip
    for output in resized.outputs:
        image = opened(output.data)
        assert image.size == (output.width, output.height)
        assert image.format == FORMATS[output.format].name.upper()
        assert not set(image.info) & {"exif", "xmp", "icc_profile"}
    assert exact.dropped == DROPPED.get(path.name, ())


@pytest.mark.parametrize("number", range(2, 9))
def test_the_eight_orientations_show_one_scene(number: int) -> None:
    first, other = (
        np.asarray(opened(resize_all((FOLDER / f"orientation-{n}.jpg").read_bytes(), ["90x60-png"]).outputs[0].data))
        for n in (1, number)
    )
    assert np.abs(first.astype(float) - other).mean() < 2


@pytest.mark.parametrize(("cut", "whole"), [("truncated.jpg", "photo-24mp.jpg")])
def test_a_photo_cut_short_is_shown_where_that_is_allowed(cut: str, whole: str) -> None:
    """A progressive file, so the whole picture is there, coarsely."""
    output = resize_all((FOLDER / cut).read_bytes(), ["128x128"], Limits(lenient=True)).outputs[0]
    wanted = resize_all((FOLDER / whole).read_bytes(), ["128x128"]).outputs[0]
    assert output.dropped == ("missing-data",)
    pairs = zip(corners(opened(output.data)), corners(opened(wanted.data)), strict=True)
    assert all(near(one, other, 25) for one, other in pairs)
