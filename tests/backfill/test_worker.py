"""A backfill without the function: every object has an outcome, and a second pass changes nothing."""

from __future__ import annotations

import functools
import itertools
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from tests.pictures import encoded, quadrants
from tinypics.backfill import worker
from tinypics.backfill.outcome import DONE, FAILED, SKIPPED, ObjectOutcome
from tinypics.delivery import reconcile, result
from tinypics.delivery.request import Request
from tinypics.errors import InvalidRequest, LoopRefused, StoreUnavailable
from tinypics.image.limits import Limits
from tinypics.store.bucket import Bucket
from tinypics.store.listing import list_files, list_location
from tinypics.store.location import Location
from tinypics.store.objects import Listed

PICTURE = encoded(quadrants(), "PNG")


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, str]:
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    return str(tmp_path / "in"), str(tmp_path / "out")


def write(folder: str, *names: str, data: bytes = PICTURE) -> list[str]:
    for name in names:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return list(names)


def states(outcomes: list[ObjectOutcome]) -> list[tuple[str, str]]:
    return [(outcome.state, outcome.error or outcome.message) for outcome in outcomes]


def there(folder: str) -> list[str]:
    return [found.key for found in list_files(Path(folder), pytest.fail)]


def test_outputs_are_made_once_and_follow_their_sources(places: tuple[str, str]) -> None:
    keys = write(places[0], "a.png", "2024/ü +%41.png")
    run = functools.partial(worker.process, keys, *places, ["32x32", "x8-webp"])
    assert states(run()) == [(DONE, ""), (DONE, "")]
    manifest = json.loads(Path(places[1], "2024/ü +%41.png/manifest.json").read_text())
    assert manifest["source"]["key"] == "2024/ü +%41.png"
    before = {path: path.stat().st_mtime_ns for path in Path(places[1]).rglob("*")}
    assert states(run()) == [(SKIPPED, result.CURRENT)] * 2
    assert {path: path.stat().st_mtime_ns for path in Path(places[1]).rglob("*")} == before
    write(places[0], "a.png", data=encoded(quadrants().rotate(90), "PNG"))
    assert states(run()) == [(DONE, ""), (SKIPPED, result.CURRENT)]
    Path(places[0], "a.png").unlink()
    assert states(run()) == [(DONE, result.GONE), (SKIPPED, result.CURRENT)]
    assert states(run())[0] == (SKIPPED, result.GONE)
    assert {name.split("/")[0] for name in there(places[1])} == {"2024"}


def test_every_failure_has_a_name_and_is_the_pictures_own(places: tuple[str, str]) -> None:
    keys = write(places[0], "good.png")
    keys += write(places[0], "text.png", data=b"no picture") + write(places[0], "cut.png", data=PICTURE[:60])
    keys += ["a//b.png", "/a.png", "nix.png", "bad\udcff.png", "x/"]
    outcomes = worker.process(keys, *places, ["16x16"])
    odd = "InvalidRequest"
    assert [outcome.error for outcome in outcomes] == ["", "UnsupportedFormat", "CorruptImage", odd, odd, "", odd, odd]
    assert states(outcomes)[5] == (SKIPPED, result.GONE)
    assert [outcome.key for outcome in outcomes][6] == "bad\\udcff.png"
    assert there(places[1]) == ["good.png"]
    assert worker.process(["good.png"], *places, ["8x8"], Limits(bytes=10))[0].error == "SourceTooLarge"


def test_a_passing_failure_is_tried_again_before_it_counts(
    places: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(places[0], "a.png", "b.png")
    fails = Counter({"a.png": 2, "b.png": 9, "c.png": 9})
    waited: list[float] = []
    run = reconcile.run

    def flaky(request: Request, *rest: object) -> object:
        fails[request.key] -= 1
        if fails[request.key] >= 0:
            raise StoreUnavailable("503")
        return run(request, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reconcile, "run", flaky)
    monkeypatch.setattr(worker.time, "sleep", waited.append)  # type: ignore[attr-defined]
    outcomes = worker.process(["a.png", "b.png", "c.png"], *places, ["16x16"])
    assert states(outcomes) == [(DONE, ""), (FAILED, "StoreUnavailable"), (FAILED, "StoreUnavailable")]
    assert waited == [*worker.PAUSES, *worker.PAUSES]


def test_what_nobody_foresaw_is_one_pictures_failure(places: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def surprised(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(reconcile, "run", surprised)
    assert states(worker.process(["a.png", "b.png"], *places, ["16x16"])) == [(FAILED, "ZeroDivisionError")] * 2


def test_outputs_inside_of_the_source_are_never_sources(places: tuple[str, str]) -> None:
    source, small = places[0], f"{places[0]}/small"
    write(source, "a.png")
    Location.parse(small).make()
    assert states(worker.process(["a.png"], source, small, ["16x16"])) == [(DONE, "")]
    assert there(source) == ["a.png", "small/a.png"]
    assert states(worker.process(["small/a.png"], source, small, ["16x16"])) == [(FAILED, "LoopRefused")]
    with pytest.raises(LoopRefused):
        worker.process(["a.png"], source, source, ["16x16"])
    with pytest.raises(InvalidRequest):
        worker.process(["a.png"], source, small, ["16by16"])


def test_a_batch_has_so_many_keys_and_bytes() -> None:
    def sizes(*given: int) -> list[int]:
        return [len(batch) for batch in worker.batches(Listed(str(n), size, "", None) for n, size in enumerate(given))]

    assert sizes() == []
    assert sizes(*[1] * 70) == [32, 32, 6]
    most = worker.BATCH_BYTES
    assert sizes(most, 1, most - 1, 1, 5 * most, 1) == [1, 2, 1, 1, 1]


@pytest.mark.process
def test_a_walk_gives_each_object_an_outcome_and_names_the_deadly(
    places: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = write(places[0], *(f"{number:02}.png" for number in range(40)), "deadly.png")
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    work = functools.partial(worker.process, source=places[0], output=places[1], renditions=["16x16"])
    found = {outcome.key: outcome for outcome in worker.run(list_files(Path(places[0]), pytest.fail), work, 2)}
    assert {key: outcome.error for key, outcome in found.items()} == {
        key: "ProcessDied" if key == "deadly.png" else "" for key in keys
    }
    assert there(places[1]) == keys[:-1]


# Every new interpreter loads this: a process that looks for one of the sources is killed.
DEADLY = """
import os
isfile = os.path.isfile
def looked_for(path):
    if str(path).endswith("in/deadly.png"):
        os.kill(os.getpid(), 9)
    return isfile(path)
os.path.isfile = looked_for
"""


@pytest.mark.process
def test_stopping_leaves_whole_outputs_and_a_second_walk_finishes(places: tuple[str, str]) -> None:
    keys = write(places[0], *(f"{number:03}.png" for number in range(200)))
    work = functools.partial(worker.process, source=places[0], output=places[1], renditions=["16x16"])
    running = worker.run(list_files(Path(places[0]), pytest.fail), work, 2)
    next(running)
    running.close()
    done = there(places[1])
    assert 0 < len(done) < len(keys)
    second = Counter(outcome.state for outcome in worker.run(list_files(Path(places[0]), pytest.fail), work, 2))
    assert second == {SKIPPED: len(done), DONE: len(keys) - len(done)}


def test_all_files_but_hidden_ones_are_listed(tmp_path: Path) -> None:
    write(str(tmp_path), "b/a.png", "a.png", ".hidden/x.png", ".x.png", "b/c/d.png")
    (tmp_path / "broken.png").symlink_to("nix")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "linked.png").symlink_to("a.png")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.png")).write_bytes(PICTURE)
    found = list(list_location(Location.parse(str(tmp_path)), pytest.fail))
    assert [each.key for each in found] == ["a.png", "bad\udcff.png", "linked.png", "b/a.png", "b/c/d.png"]
    assert found[0].size == len(PICTURE)
    assert found[0].modified is not None


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(str(tmp_path), "a.png", "locked/b.png", "open/c.png")
    scandir = os.scandir

    def refused(path: str) -> object:
        if Path(path).name == "locked":  # these tests may run as root, who has all permissions
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    lost: list[str] = []
    assert [each.key for each in list_files(tmp_path, lost.append)] == ["a.png", "open/c.png"]
    assert lost == ["locked"]


def test_a_store_is_listed_below_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket("pics", MemoryStore())
    for key in ("in/a.png", "in/b/c.png", "other/d.png", "input.png"):
        bucket.put(key, b"123", attributes={}, replaces=None)
    monkeypatch.setattr(Location, "bucket", lambda _: bucket)
    found = list(list_location(Location.parse("gs://pics/in"), pytest.fail))
    assert sorted(each.key for each in found) == ["in/a.png", "in/b/c.png"]
    assert {each.size for each in found} == {3}
    assert len(list(itertools.islice(list_location(Location.parse("gs://pics"), pytest.fail), 9))) == 4
