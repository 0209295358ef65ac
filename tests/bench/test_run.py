"""The harness runs on tiny generated pictures: every installed contender, every table, the chart."""

from __future__ import annotations

import dataclasses
import shutil
import xml.etree.ElementTree as ET
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from bench import breakdown, chart, costs, measure, peers, pictures, report, run, start, tables
from bench.measure import Effort, Failed, Series
from bench.pictures import RECIPES
from bench.results import Measured
from bench.rounds import COLD, COLD_48, INVOCATIONS, WARM, handlers, libraries
from bench.rows import AS_SHARP, GROWTH, MEGAPIXELS, ROWS, TASKS, Row, Wanted, side
from tests.pictures import opened

pytestmark = pytest.mark.release

TINY = {
    name: dataclasses.replace(recipe, size=(256, 192), file=None, frames=min(recipe.frames, 2))
    for name, recipe in RECIPES.items()
    if recipe.format != "HEIF"
}
TWO = "growth by number: JPEG 12 MP to 2"
FAST = Effort(rounds=1, least=1, most=1, enough_ms=0, warm=1)
PYTHON = [each for each in peers.LIBRARIES if each.name in ("ours", "tutorial", "thumbnail")]


@pytest.fixture(autouse=True)
def _made_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "FOLDER", Path("/nonexistent"))
    pictures._photo.cache_clear()


def row(title: str) -> Row:
    return next(row for row in ROWS if row.title == title)


def test_libraries_make_the_requested_outputs(tmp_path: Path) -> None:
    chosen = [row(title) for title in ("JPEG 12 MP to 128", "PNG with alpha 2048x1536 to 720x540", TWO)]
    small = [dataclasses.replace(each, wanted=tuple(_small(wanted) for wanted in each.wanted)) for each in chosen]
    found = libraries(small, FAST, tmp_path, TINY, PYTHON)
    assert [list(series) for series in found.values()] == [["ours", "tutorial", "thumbnail"]] * 3
    for series in [series for each in found.values() for series in each.values()]:
        assert series.failed is None
        assert min(series.cpu_ms + series.peak_mb) > 0
        assert min(quality["ssim"] for quality in series.quality) > 0.9
    assert len(found[TWO]["ours"].quality) == 2


def test_a_row_encoded_as_by_sharp_has_baseline_jpegs(tmp_path: Path) -> None:
    asked = row(f"JPEG 12 MP to 1600{AS_SHARP}")
    source = pictures.source("jpeg-12", tmp_path, {"jpeg-12": dataclasses.replace(RECIPES["jpeg-12"], size=(480, 360))})
    assert source
    for wanted, progressive in ((asked.wanted[0], None), (dataclasses.replace(asked.wanted[0], baseline=False), 1)):
        made = dataclasses.replace(wanted, width=400, height=300)
        _, (output,) = measure.library(PYTHON[0], source, [made], FAST)
        assert opened(output).info.get("progressive") == progressive


def _small(wanted: Wanted) -> Wanted:
    shrink = max(1, wanted.width // 64)
    return dataclasses.replace(wanted, width=wanted.width // shrink, height=wanted.height // shrink)


@pytest.mark.parametrize("name", ["sharp", "vips", "magick"])
def test_installed_peers_make_the_requested_outputs(name: str, tmp_path: Path) -> None:
    peer = next(each for each in peers.LIBRARIES if each.name == name)
    if not peer.there():
        pytest.skip(f"{peer.label} is not installed: see `make bench`")
    found = libraries([row("JPEG 12 MP to 128")], FAST, tmp_path, TINY, [peer])
    assert found["JPEG 12 MP to 128"][name].quality[0]["ssim"] > 0.9


def test_whole_functions_answer_over_the_link_and_are_reported(tmp_path: Path) -> None:
    present = [each for each in peers.HANDLERS if each.name != "thumbnail" and each.there()]
    rows = handlers([COLD, WARM], FAST, tmp_path, TINY, present)
    assert list(rows) == [COLD, WARM]
    assert {name for name, series in rows[WARM].items() if series.failed is None} == {each.name for each in present}
    assert all(len(series.wall_ms) == 1 for series in rows[COLD].values())
    small = dataclasses.replace(row("JPEG 12 MP to 128"), wanted=(Wanted(16, 12),))
    warm, cold = breakdown.warm(tmp_path, 1, TINY), start.cold(tmp_path, 1, TINY)
    measured = Measured({"rounds": "1"}, rows, warm, cold, breakdown.tasks(tmp_path, [small], TINY))
    assert measured.breakdown
    for parts in (measured.breakdown.parts, measured.parts[small.title]):
        assert all(any(part.startswith(step) for part in parts) for step in ("decoding", "resampling", "encoding"))
    assert set(measured.breakdown.steps) == {"fetch", "decode", "transform", "encode", "store"}
    assert measured.start
    assert sum(measured.start.steps.values()) == pytest.approx(measured.start.cpu_ms)
    assert measured.start.steps["the interpreter"] > 0
    measured.save(tmp_path / "results.json")
    assert Measured.load(tmp_path / "results.json") == measured
    readme = Path(shutil.copy(report.README, tmp_path / "README.md"))
    report.publish(measured, readme, tmp_path / "chart.svg")
    assert all(table in readme.read_text() for table in report.sections(measured).values())


def test_rows_that_are_measured_again_are_noted() -> None:
    first = measured(20.0, 100.0)
    again = {ROWS[0].title: measured(30.0, 100.0).rows[ROWS[0].title]}
    found = first.with_rows(again, "own task")
    assert found.machine == {"rounds": "3", "measured again": "own task"}
    assert found.ratio(ROWS[0].title, "ours", "sharp", "cpu_ms") == pytest.approx(0.3)
    assert found.ratio(ROWS[1].title, "ours", "sharp", "cpu_ms") == pytest.approx(0.2)


def test_who_cannot_says_why_and_is_not_asked_again(tmp_path: Path) -> None:
    broken = dataclasses.replace(PYTHON[0], name="broken", command=[*PYTHON[0].command[:-2], "pillow", "missing"])
    found = libraries([row("JPEG 12 MP to 128")], dataclasses.replace(FAST, rounds=3), tmp_path, TINY, [broken])
    series = found["JPEG 12 MP to 128"]["broken"]
    assert "has no attribute 'missing'" in str(series.failed)
    assert series.cpu_ms == []


def test_a_function_that_fails_is_no_figure() -> None:
    ours = next(each for each in peers.HANDLERS if each.name == "ours")
    with pytest.raises(Failed, match="InvalidRequest"):
        measure.handler(ours, [{"bucket": "a", "key": "b", "dest_bucket": "c", "width": 0, "height": 1}], {})


def measured(ours: float, sharp: float, psnr: float = 40.0) -> Measured:
    quality = [[{"psnr": each, "ssim": 0.99, "bytes": 1000}] for each in (psnr, 40.0)]
    rows = {
        row.title: {
            "ours": Series([ours, ours + 2, ours - 1], [], [30.0], quality[0]),
            "sharp": Series([sharp], [], [70.0], quality[1]),
        }
        for row in ROWS
    }
    return Measured({"rounds": "3"}, rows, None, None)


def test_a_target_is_reached_or_not() -> None:
    good, bad = (tables.targets(measured(ours, 100.0)) for ours in (4.0, 500.0))
    assert good.count("| CPU | sharp | 0.04 |") == good.count("| CPU |") == sum(bool(row.target) for row in ROWS)
    assert "| **no** |" not in good
    assert bad.count("| **no** |") == bad.count("| CPU |")
    assert bad.count("| peak memory | sharp | 0.43 | 1 | yes |") == 2


def test_the_worst_task_compared_with_pillow_is_a_target() -> None:
    slow = measured(20.0, 100.0)
    for row in TASKS:
        slow.rows[row.title]["thumbnail"] = Series([40.0])
    assert "| CPU | Pillow, `thumbnail()` | 0.50 | 1 | yes |" in tables.targets(slow)
    slow.rows[TASKS[3].title]["thumbnail"] = Series([10.0])
    worst = f"the worst of all: {TASKS[3].title} | CPU | Pillow, `thumbnail()` | 2.00 | 1 | **no** |"
    assert worst in tables.targets(slow)


def test_speed_that_is_bought_with_damage_reaches_nothing() -> None:
    assert "too lossy" not in tables.targets(measured(20.0, 100.0, psnr=39.8))
    lossy = tables.targets(measured(20.0, 100.0, psnr=39.6))
    assert lossy.count("**no**, too lossy | -0.4 dB") == lossy.count("| sharp |")


def test_figures_have_their_median_and_half_their_range() -> None:
    table = tables.libraries(measured(20.0, 100.0))
    assert "| **0.20** | 20.0 ±1.5 | 100 ±0 |" in table


def test_the_chart_shows_every_row_and_is_xml() -> None:
    drawing = ET.fromstring(chart.drawn(measured(30.0, 60.0)))  # noqa: S314 - a trusted document
    words = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert {row.title for row in ROWS if row not in GROWTH} <= set(words)
    assert words.count("0.50") == len(ROWS) - len(GROWTH)
    assert len(list(drawing.iter("{http://www.w3.org/2000/svg}polyline"))) == 4


def test_a_page_without_places_for_the_tables_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("# nothing\n")
    with pytest.raises(ValueError, match="no place for machine"):
        report.publish(measured(1, 1), page, tmp_path / "chart.svg")


def test_rows_have_the_shape_of_their_sources() -> None:
    for each in ROWS:
        wide, high = RECIPES[each.source].size
        for wanted in each.wanted:
            exact = Fraction(wanted.width * high, wide)
            assert abs(wanted.height - exact) <= 1, each.title


def test_rows_have_titles_of_their_own_and_targets_have_rows() -> None:
    titles = [each.title for each in ROWS]
    assert len(set(titles)) == len(titles)
    assert {target.title for target in tables.TARGETS} <= {*titles, *INVOCATIONS}
    assert COLD_48 in INVOCATIONS


@pytest.mark.parametrize("megapixels", MEGAPIXELS)
def test_grown_pictures_are_as_large_as_they_say_and_allowed(megapixels: int) -> None:
    wide, high = side(megapixels)
    assert 0.93 * megapixels <= wide * high / 1e6 <= max(megapixels, 12.2 if megapixels == 12 else 0)
    assert wide * 3 == high * 4


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_picture_can_be_made_in_code_but_heic(name: str, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES[name], size=(96, 72), frames=min(RECIPES[name].frames, 3))
    made = pictures.source(name, tmp_path, {name: recipe})
    assert (made is None) == (recipe.format == "HEIF")
    if made:
        with Image.open(made) as image:
            found = (image.size, image.format, getattr(image, "n_frames", 1), image.has_transparency_data)
        assert found == ((96, 72), recipe.format, recipe.frames, recipe.alpha)


def test_a_larger_picture_repeats_the_photo_without_a_seam() -> None:
    picture = pictures.cut((4032 + 64, 64))
    assert picture.getpixel((4031, 9)) == picture.getpixel((4032, 9))
    assert picture.size == (4096, 64)


def test_less_memory_makes_work_longer_and_waiting_not() -> None:
    assert costs.at(1769, cpu_ms=50, wall_ms=150) == 150
    assert costs.at(1024, cpu_ms=0, wall_ms=150) == 150
    assert costs.at(512, cpu_ms=50, wall_ms=150) == pytest.approx(100 + 50 * 1769 / 512)
    assert costs.at(3008, cpu_ms=50, wall_ms=40) == 50  # one thread cannot use a second CPU


def test_some_rows_are_printed_and_the_page_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = report.README.read_text()
    monkeypatch.setattr(run, "libraries", lambda rows, *_: {each.title: {} for each in rows})
    run.main(["--rows", "^AVIF", "--rounds", "2"])
    assert "rounds: 2" in capsys.readouterr().out
    assert report.README.read_text() == before
