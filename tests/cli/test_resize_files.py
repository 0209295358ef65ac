"""Selected files, names of the results, and complete files only."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tinypics.cli import resize_files
from tinypics.cli.resize_files import SourceFile
from tinypics.errors import InvalidRequest
from tinypics.image.limits import Limits
from tinypics.image.rendition import Rendition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def picture(path: Path, format: str = "JPEG", size: tuple[int, int] = (300, 200)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").resize(size).convert("RGB").save(path, format)
    return path


def resized(paths: Sequence[Path], out: Path, *to: str, limits: Limits | None = None) -> list[resize_files.FileResult]:
    renditions = [Rendition.parse(text) for text in to]
    tasks = resize_files.plan(
        resize_files.find([str(path) for path in paths], out), out, renditions, limits or Limits()
    )
    return [resize_files.work(task) for task in tasks]


def size_of(source: Path) -> tuple[int, int]:
    with Image.open(source) as image:
        image.load()
        return image.size


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("a.jpg", "2024/b.jpg", "2024/summer/c.png", ".hidden/d.jpg", ".e.jpg"):
        picture(tmp_path / "photos" / name, "PNG" if name.endswith("png") else "JPEG")
    return tmp_path / "photos"


# --- Selection of files


def test_a_folder_is_mirrored_without_hidden_files(photos: Path) -> None:
    names = [str(found.name) for found in resize_files.find([str(photos)], photos.parent / "out")]
    assert names == ["2024/b.jpg", "2024/summer/c.png", "a.jpg"]


def test_a_pattern_keeps_the_folders_below_its_fixed_part(photos: Path) -> None:
    found = resize_files.find([f"{photos}/**/*.jpg"], photos.parent / "out")
    assert [str(item.name) for item in found] == ["2024/b.jpg", "a.jpg"]


def test_files_are_named_after_themselves_and_taken_once(photos: Path) -> None:
    a, b = str(photos / "a.jpg"), str(photos / "2024" / "b.jpg")
    assert [str(item.name) for item in resize_files.find([b, a, a], photos.parent / "out")] == ["b.jpg", "a.jpg"]


def test_earlier_results_inside_the_folder_are_not_sources(photos: Path) -> None:
    out = photos / "small"
    for _ in range(2):
        resized([photos], out, "64x64")
    assert files(out) == ["2024/b.jpg", "2024/summer/c.png", "a.jpg"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    odd = picture(tmp_path / "a[1].jpg")
    assert resize_files.find([str(odd)], tmp_path / "out") == [SourceFile(odd, Path("a[1].jpg"))]


def test_two_sources_of_one_name_are_refused_before_any_work(photos: Path) -> None:
    other = picture(photos.parent / "other" / "a.jpg")
    with pytest.raises(InvalidRequest, match=r"a\.jpg and .*other/a\.jpg would both be written to out/a\.jpg"):
        resize_files.find([str(photos / "a.jpg"), str(other)], Path("out"))


# --- Names of the results


def test_one_rendition_keeps_the_name(photos: Path, tmp_path: Path) -> None:
    (report,) = resized([photos / "a.jpg"], tmp_path / "out", "64x64")
    (written,) = report.written
    assert written.path == tmp_path / "out" / "a.jpg"
    assert size_of(written.path) == (written.width, written.height) == (64, 64)
    assert written.path.stat().st_size == written.bytes
    assert report.bytes == (photos / "a.jpg").stat().st_size


def test_another_format_is_appended_so_that_no_two_sources_collide(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "IMG_1.jpg")
    picture(tmp_path / "in" / "IMG_1.png", "PNG")
    resized([tmp_path / "in"], tmp_path / "out", "64x-webp")
    assert files(tmp_path / "out") == ["IMG_1.jpg.webp", "IMG_1.png.webp"]


@pytest.mark.parametrize("to", [["thumb=64x64", "100x"], ["thumb=64x64"]])
def test_several_renditions_or_a_named_one_go_into_a_folder(photos: Path, tmp_path: Path, to: list[str]) -> None:
    resized([photos / "a.jpg"], tmp_path / "out", *to)
    assert files(tmp_path / "out") == [f"a.jpg/{label}.jpg" for label in ("100x", "thumb")[2 - len(to) :]]


# --- Failures


def test_a_template_names_the_outputs(photos: Path, tmp_path: Path) -> None:
    picture(photos / "a.mov")  # a picture under another file's name keeps it, so it cannot take the name of a.jpg
    tasks = resize_files.plan(
        resize_files.find([str(photos)], tmp_path / "out"),
        tmp_path / "out",
        [Rendition.parse("30x"), Rendition.parse("thumb=15x15-webp")],
        Limits(),
        "{rendition}/{stem}-{width}x{height}.{ext}",
    )
    assert all(report.error is None for report in map(resize_files.work, tasks))
    assert files(tmp_path / "out") == [
        "2024/30x/b-30x20.jpg",
        "2024/summer/30x/c-30x20.png",
        "2024/summer/thumb/c-15x15.webp",
        "2024/thumb/b-15x15.webp",
        "30x/a-30x20.jpg",
        "30x/a.mov-30x20.jpg",
        "thumb/a-15x15.webp",
        "thumb/a.mov-15x15.webp",
    ]


def test_two_outputs_of_one_name_are_refused_before_the_first_is_written(photos: Path, tmp_path: Path) -> None:
    found = [SourceFile(photos / "a.jpg", Path("a.jpg"))]
    renditions = [Rendition.parse("30x"), Rendition.parse("30x30")]
    (task,) = resize_files.plan(found, tmp_path / "out", renditions, Limits(), "{stem}-{width}.{ext}")
    report = resize_files.work(task)
    assert (report.error, "a-30.jpg" in report.message) == ("InvalidRequest", True)
    assert not (tmp_path / "out").exists()


def test_failures_are_reported_by_name_and_write_nothing(tmp_path: Path) -> None:
    text, cut, missing = tmp_path / "text.jpg", tmp_path / "cut.jpg", tmp_path / "missing.jpg"
    text.write_text("hello")
    cut.write_bytes(picture(tmp_path / "whole.jpg").read_bytes()[:700])
    reports = resized([text, cut, missing], tmp_path / "out", "64x64")
    assert [report.error for report in reports] == ["UnsupportedFormat", "CorruptImage", "SourceNotFound"]
    assert not any(report.skipped for report in reports)
    assert not (tmp_path / "out").exists()


def test_what_is_no_picture_by_name_or_content_is_skipped_in_folders_only(tmp_path: Path) -> None:
    notes = tmp_path / "in" / "notes.txt"
    picture(tmp_path / "in" / "unnamed").with_name("fake.jpg").write_text("hello")
    notes.write_text("hello")
    found = {report.source.name: report for report in resized([tmp_path / "in"], tmp_path / "out", "64x64")}
    assert (found["notes.txt"].skipped, found["fake.jpg"].skipped, found["unnamed"].error) == (True, False, None)
    assert [report.skipped for report in resized([notes], tmp_path / "out", "64x64")] == [False]


def test_a_file_over_the_limit_is_not_even_read(tmp_path: Path) -> None:
    (report,) = resized([picture(tmp_path / "a.jpg")], tmp_path / "out", "64x64", limits=Limits(bytes=100))
    assert (report.error, report.bytes) == ("SourceTooLarge", 0)


def test_what_the_file_system_refuses_is_reported(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jpg").mkdir()
    (report,) = resized([photos / "a.jpg"], tmp_path / "out", "64x64")
    assert (report.error, report.message[:14]) == ("InvalidRequest", "Is a directory")
    assert os.listdir(tmp_path / "out") == ["a.jpg"]  # noqa: PTH208 - hidden files too


@pytest.mark.parametrize(("number", "named"), [(errno.ENOSPC, "StoreUnavailable"), (errno.EACCES, "AccessDenied")])
def test_what_the_file_system_refuses_has_the_name_that_it_has_in_a_bucket(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, named: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(resize_files, "_write", refuse)
    (report,) = resized([photos / "a.jpg"], tmp_path / "out", "64x64")
    assert (report.error, report.message) == (named, f"{os.strerror(number)}: {tmp_path / 'out' / 'a.jpg'}")


@pytest.mark.parametrize("link", [False, True])
def test_no_source_is_written_over(photos: Path, link: bool) -> None:
    before = (photos / "a.jpg").read_bytes()
    out = photos
    if link:
        (photos.parent / "link").symlink_to(photos)
        out = photos.parent / "link"
    (report,) = resized([photos / "a.jpg"], out, "64x64")
    assert (report.error, report.written) == ("InvalidRequest", ())
    assert (photos / "a.jpg").read_bytes() == before


def test_a_folder_of_results_needs_a_name_that_no_file_has(photos: Path) -> None:
    (report,) = resized([photos / "a.jpg"], photos, "64x64", "32x32")
    assert (report.error, report.message.startswith(f"{photos / 'a.jpg'} is a file")) == ("InvalidRequest", True)


def test_a_result_may_not_replace_another_source_either(tmp_path: Path) -> None:
    a, b = picture(tmp_path / "in" / "a.jpg"), picture(tmp_path / "a.jpg.png", "PNG")
    reports = resized([a, b], tmp_path, "64x-png")
    assert [report.error for report in reports] == ["InvalidRequest", "InvalidRequest"]
    assert size_of(b) == (300, 200)


def test_results_have_the_permissions_that_new_files_have_here(photos: Path, tmp_path: Path) -> None:
    (report,) = resized([photos / "a.jpg"], tmp_path / "out", "64x64")
    assert report.written[0].path.stat().st_mode == (photos / "a.jpg").stat().st_mode


def test_a_write_that_is_interrupted_leaves_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        resized([photos / "a.jpg"], tmp_path / "out", "64x64")
    assert files(tmp_path / "out") == []


# --- In parallel


def tasks(count: int, tmp_path: Path) -> list[resize_files.Task]:
    for index in range(count):
        picture(tmp_path / "in" / f"{index}.jpg")
    out = tmp_path / "out"
    return resize_files.plan(resize_files.find([str(tmp_path / "in")], out), out, [Rendition.parse("64x64")], Limits())


def test_processes_share_the_work(tmp_path: Path) -> None:
    reports = list(resize_files.run(tasks(9, tmp_path), 2))
    assert sorted(report.source.name for report in reports) == [f"{index}.jpg" for index in range(9)]
    assert len(files(tmp_path / "out")) == 9


@pytest.mark.process
def test_giving_up_half_way_leaves_whole_files_only(tmp_path: Path) -> None:
    running = resize_files.run(tasks(9, tmp_path), 2)
    next(running)
    running.close()
    done = files(tmp_path / "out")
    assert 1 <= len(done) < 9
    for name in done:
        assert size_of(tmp_path / "out" / name) == (64, 64)


@pytest.mark.process
def test_a_process_that_dies_costs_one_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill a decoder, as the system does for lack of memory."""
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reports = {report.source.name: report.error for report in resize_files.run(tasks(6, tmp_path), 2)}
    assert reports == {f"{index}.jpg": "ProcessDied" if index == 3 else None for index in range(6)}


# Every new interpreter loads this: a process that reads one of the files is killed.
DEADLY = """
import os, pathlib
read = pathlib.Path.read_bytes
def read_bytes(self):
    if self.name == "3.jpg":
        os.kill(os.getpid(), 9)
    return read(self)
pathlib.Path.read_bytes = read_bytes
"""


def test_one_file_needs_no_process(tmp_path: Path) -> None:
    def none(*_: object) -> Iterator[resize_files.FileResult]:
        pytest.fail("a pool for one file")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tinypics.sandbox.process_pool.run", none)
        assert [report.error for report in resize_files.run(tasks(1, tmp_path), 4)] == [None]
