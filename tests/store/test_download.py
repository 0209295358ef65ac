from __future__ import annotations

import contextlib
import functools
import io
import os
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from PIL import Image

from tests.waiting import PATIENCE
from tinypics.errors import (
    CorruptImage,
    ImageTooLarge,
    PermanentError,
    SourceChanged,
    StoreUnavailable,
    UnsupportedFormat,
)
from tinypics.image import decode
from tinypics.image.headers import jpeg as jpeg_header
from tinypics.image.limits import Limits
from tinypics.image.pipeline import resize_all
from tinypics.image.stream import BytesStream, Stream
from tinypics.store import download
from tinypics.store.download import Download
from tinypics.store.objects import Stat

DATA = bytes(range(256)) * 40


class Link:
    """Serves a file in pieces, each when `more` allows it, and records the requested ranges."""

    def __init__(
        self,
        data: bytes,
        size: int | None = None,
        error: Exception | None = None,
        piece: int = 1000,
        part_error: Exception | None = None,
    ) -> None:
        self.more = threading.Semaphore(0)
        self.sent = 0
        self._data, self._error, self._piece, self._part_error = data, error, piece, part_error
        stat = Stat("etag", len(data) if size is None else size, None, {})
        self.parts: list[tuple[int, int]] = []
        self.download = Download(stat, self._pieces(), self._part, contextlib.nullcontext)

    def _part(self, start: int, end: int) -> Iterable[bytes]:
        self.parts.append((start, end))
        if self._part_error:
            raise self._part_error
        return [self._data[start:end]]

    def _pieces(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), self._piece):
            self.more.acquire()
            self.sent = start + self._piece
            yield self._data[start : start + self._piece]
        if self._error:
            raise self._error

    def let(self, pieces: int) -> None:
        self.more.release(pieces)

    def let_all(self) -> None:
        self.let(-(-len(self._data) // self._piece))


def at_once(data: bytes, **options: object) -> Download:
    link = Link(data, **options)  # type: ignore[arg-type]
    link.let_all()
    return link.download


def jpeg(size: tuple[int, int] = (600, 450), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 50).convert("RGB").save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


def test_it_reads_like_a_file() -> None:
    download, file = at_once(DATA), io.BytesIO(DATA)
    assert isinstance(download, Stream)
    for step in ((0, 10), (5000, 100), (0, -1), (len(DATA) - 5, 100), (len(DATA) + 5, 10)):
        assert download.seek(step[0]) == file.seek(step[0])
        assert download.read(step[1]) == file.read(step[1])
    assert download.seek(-10, io.SEEK_END) == len(DATA) - 10
    assert download.seek(4, io.SEEK_CUR) == download.tell() == len(DATA) - 6
    assert download.head(3) == DATA[:3]
    assert download.read_all() is download.read_all()
    assert download.read_all() == DATA
    assert (download.head(5), download.read(2)) == (DATA[:5], DATA[-6:-4])


def test_readers_wait_for_no_more_than_they_need() -> None:
    link = Link(DATA)
    link.let(2)
    assert link.download.head(1500) == DATA[:1500]
    assert link.download.read(1800) == DATA[:1800]
    assert link.sent == 2000
    assert link.download.wait_seconds > 0


def test_an_object_that_ends_early_is_a_transfer_that_failed_and_no_corrupt_picture() -> None:
    data = jpeg()
    with pytest.raises(StoreUnavailable, match=r"ended after .* of"):
        resize_all(at_once(data[:-2000], size=len(data)), ["64x"])


def test_what_breaks_on_the_way_is_raised_where_it_is_waited_for() -> None:
    data = jpeg()
    for read in (Download.read_all, Download.read, lambda download: resize_all(download, ["64x"])):
        broken = at_once(data[: len(data) // 2], size=len(data), error=StoreUnavailable("reset"))
        with pytest.raises(StoreUnavailable, match="reset"):
            read(broken)


def test_a_closed_download_fetches_no_more() -> None:
    link = Link(DATA)
    link.let(1)
    link.download.head(10)
    link.download.close()
    link.let(1)
    with pytest.raises(StoreUnavailable):
        link.download.read_all()
    assert link.sent <= 2000


def test_a_closed_download_is_freed_and_touches_no_file_that_takes_its_number() -> None:
    link = Link(DATA)
    link.let(1)
    link.download.head(10)
    number, shared = link.download.fd, os.dup(link.download.fd)
    progress = link.download.follow()
    raised: list[Exception] = []

    def wait() -> None:
        try:
            link.download.read_all()
        except StoreUnavailable as error:
            raised.append(error)

    reader = threading.Thread(target=wait)
    reader.start()
    link.download.close()
    reader.join(PATIENCE)
    assert "closed" in str(raised[0])
    assert os.fstat(shared).st_size == 0  # nor is the memory kept by another process
    taken = [os.memfd_create("another")]
    while taken[-1] != number:  # lower numbers may be free as well
        taken.append(os.memfd_create("another"))
        assert len(taken) < 1000
    another = taken[-1]
    try:
        os.write(another, b"another's bytes")
        link.let_all()
        while os.read(progress, 80):  # until the pipe is closed
            pass
        for read in (lambda: link.download.head(5), lambda: link.download.tail(5), link.download.follow):
            with pytest.raises(StoreUnavailable, match="closed"):
                read()
        link.download.close()
        assert os.pread(another, 100, 0) == b"another's bytes"
    finally:
        for each in (*taken, shared, progress):
            os.close(each)


@pytest.mark.parametrize("size", [len(DATA), 3500])
def test_bytes_that_another_process_has_taken_out_of_the_file_are_fetched_again(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(download, "PART", 4000)
    monkeypatch.setattr(download, "_PREFETCH_AFTER", 0)
    link = Link(DATA[:size])
    link.let_all()
    link.download.check()
    os.close(link.download.follow())
    parts = len(link.parts)
    assert os.fstat(link.download.fd).st_size == size
    os.ftruncate(link.download.fd, 0)
    progress = link.download.follow()
    counts = b""
    while found := os.read(progress, 800):
        counts += found
    os.close(progress)
    assert int.from_bytes(counts[-8:], "little") == size
    assert link.download.read_all() == DATA[:size]
    assert sorted(link.parts[parts:]) == [(start, min(start + 4000, size)) for start in range(0, size, 4000)]


@pytest.mark.table
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"restart_marker_blocks": 8}, {"progressive": True}])
@pytest.mark.parametrize("text", ["64x48", "200x", "150x150-attention", "550x-png"])
def test_a_picture_comes_out_the_same_however_it_came(options: dict[str, Any], text: str) -> None:
    data = jpeg(**options)
    assert len(data) > 64 * 1024  # more than is read as a header
    whole, streamed = resize_all(data, [text]), resize_all(at_once(data), [text])
    assert streamed.outputs == whole.outputs
    assert streamed.source == whole.source


@pytest.mark.table
@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_every_format_can_still_be_on_its_way(format: str) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((700, 500), 50).convert("RGB").save(buffer, format)
    assert len(buffer.getvalue()) > 64 * 1024
    assert resize_all(at_once(buffer.getvalue()), ["64x"]).outputs == resize_all(buffer.getvalue(), ["64x"]).outputs


def test_a_photo_is_decoded_while_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg((2400, 1800))
    link = Link(data, piece=64 * 1024)
    begun = threading.Event()

    link.let(2)

    def last_piece_after_the_decoder_began() -> None:
        begun.wait(PATIENCE)
        link.let(1000)

    framed = decode._jpeg_frame

    def decoding(*arguments: Any, **options: Any) -> Any:
        begun.set()
        return framed(*arguments, **options)

    monkeypatch.setattr(decode, "_jpeg_frame", decoding)
    threading.Thread(target=last_piece_after_the_decoder_began).start()
    resize_all(link.download, ["64x"])
    assert begun.is_set()


@pytest.mark.parametrize("tail", [b"", b"\0" * 100_000])
def test_a_photo_without_its_end_is_corrupt_and_lenient_uses_it(tail: bytes) -> None:
    data = jpeg()[:-20_000]
    with pytest.raises(CorruptImage):
        resize_all(at_once(data), ["64x"])
    assert resize_all(at_once(data + tail), ["64x"], Limits(lenient=True)).outputs[0].width == 64


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (b"not a picture " * 10, UnsupportedFormat),
        (jpeg((50, 40)).replace(b"\x00\x28\x00\x32", b"\xff\xff\xff\xff", 1), ImageTooLarge),
    ],
)
def test_a_stranger_and_a_bomb_are_refused_by_their_first_bytes(head: bytes, error: type[PermanentError]) -> None:
    link = Link(head + bytes(1_000_000), piece=64 * 1024)
    link.let(2)
    with pytest.raises(error):
        resize_all(link.download, ["64x"])
    assert link.sent <= 2 * 64 * 1024


# --- Large objects


def test_a_large_object_comes_in_parts_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PART", 2500)
    monkeypatch.setattr(download, "_PREFETCH_AFTER", 1500)
    link = Link(DATA)
    link.let(1)
    assert link.download.head(800) == DATA[:800]
    assert link.parts == []  # only after the first bytes were read
    link.let_all()
    assert link.download.read_all() == DATA
    assert sorted(link.parts) == [(2500, 5000), (5000, 7500), (7500, 10000), (10000, len(DATA))]
    assert link.sent <= 4000


def test_a_part_that_fails_fails_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PART", 2500)
    monkeypatch.setattr(download, "_PREFETCH_AFTER", 1500)
    link = Link(DATA, part_error=SourceChanged("2500 to 5000"))
    link.let_all()
    assert link.download.head(2500) == DATA[:2500]
    with pytest.raises(SourceChanged, match="2500 to 5000"):
        link.download.read_all()


def test_the_tail_does_not_wait_for_what_is_before_it() -> None:
    link = Link(DATA)
    assert link.download.tail(3) == DATA[-3:]
    assert link.parts == [(len(DATA) - 3, len(DATA))]
    link.let_all()
    link.download.read_all()
    assert link.download.tail(5) == DATA[-5:]
    assert len(link.parts) == 1
    assert BytesStream(DATA).tail(4) == DATA[-4:]


@functools.cache
def progressive_noise() -> bytes:
    noise = Image.merge("RGB", [Image.effect_noise((1200, 960), 80) for _ in "RGB"])
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=90, progressive=True)
    return buffer.getvalue()


@pytest.fixture
def progressive(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A file that counts as large. tests/sandbox/test_supervisor.py has one that is large."""
    monkeypatch.setattr(jpeg_header, "_MIN_SAVING", 512 * 1024)
    data = progressive_noise()
    assert len(data) > 640 * 1024
    return data


def test_of_a_large_progressive_jpeg_its_dc_scans_are_fetched(progressive: bytes) -> None:
    link = Link(progressive, piece=1 << 16)
    link.let(5)
    output = resize_all(link.download, ["64x-png"]).outputs[0]
    assert link.sent < len(progressive) / 2
    assert output.data == resize_all(progressive, ["64x-png"]).outputs[0].data


def test_a_larger_output_of_it_takes_the_rest(progressive: bytes) -> None:
    link = Link(progressive, piece=1 << 16)
    link.let(200)
    output = resize_all(link.download, ["480x-png"]).outputs[0]
    assert output.data == resize_all(progressive, ["480x-png"]).outputs[0].data
    link = Link(progressive, piece=1 << 16)
    link.let(200)
    with pytest.raises(ImageTooLarge, match="more than 5 scans"):
        resize_all(link.download, ["480x-png"], Limits(scans=5))


def test_a_large_progressive_jpeg_that_is_cut_short_is_corrupt(progressive: bytes) -> None:
    for data, limits in ((progressive[:-1000], Limits()), (progressive[:-1000] + bytes(8), Limits())):
        link = Link(data, piece=1 << 16)
        link.let(200)
        with pytest.raises(CorruptImage):
            resize_all(link.download, ["64x-png"], limits)
    link = Link(progressive[:-1000], piece=1 << 16)
    link.let(200)
    assert "missing-data" in resize_all(link.download, ["64x-png"], Limits(lenient=True)).outputs[0].dropped


# --- Ranges that were requested at once


class Ranges:
    """Serves ranges of 1,000 bytes in pieces of 100, each when `more` allows it: one semaphore for each range."""

    def __init__(self, data: bytes, failing: int | None = None) -> None:
        self.more = [threading.Semaphore(0) for _ in range(0, len(data), 1000)]
        self._data, self._failing = data, failing
        stat = Stat("etag", len(data), None, {})
        self.download = Download(stat, self.part(0, 1000), self.part, contextlib.nullcontext, 1000)

    def part(self, start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, 100):
            self.more[start // 1000].acquire()
            if self._failing == at:
                raise StoreUnavailable("503")
            yield self._data[at : min(at + 100, end)]

    def let(self, number: int, pieces: int = 10) -> None:
        self.more[number].release(pieces)


def test_ranges_are_written_as_they_arrive_and_told_of_without_a_gap() -> None:
    ranges = Ranges(DATA[:2950])

    with os.fdopen(ranges.download.follow(), "rb") as told:
        ranges.let(2)
        ranges.let(1, 5)
        while os.pread(ranges.download.fd, 1, 1499) != DATA[1499:1500] or os.fstat(ranges.download.fd).st_size < 2950:
            threading.Event().wait(0.001)
        ranges.let(0, 10)
        arrived = [int.from_bytes(told.read(8), "little") for _ in range(11)]
    assert arrived == [0, *range(100, 1000, 100), 1500]
    assert ranges.download.head(1500) == DATA[:1500]
    ranges.let(1, 5)
    assert ranges.download.read_all() == DATA[:2950]


@pytest.mark.parametrize("failing", [1300, 2000])
def test_a_range_that_fails_leaves_what_is_before_it(failing: int) -> None:
    ranges = Ranges(DATA[:2950], failing)
    for number in range(3):
        ranges.let(number)
    with pytest.raises(StoreUnavailable, match="503"):
        ranges.download.check()
    assert ranges.download.head(failing) == DATA[:failing]
    assert ranges.download.ended


def test_no_range_is_written_after_the_end() -> None:
    """Otherwise a late one would fill the file of a download that has begun again."""
    before = set(threading.enumerate())
    ranges = Ranges(DATA[:2950], 0)
    for number in range(3):
        ranges.let(number)
    with pytest.raises(StoreUnavailable, match="503"):
        ranges.download.check()
    assert not [each for each in set(threading.enumerate()) - before if each.name == "store"]
