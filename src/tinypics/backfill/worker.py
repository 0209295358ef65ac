"""A backfill on machines of one's own: the function's work without the function, from any store to any other.

Nothing here knows who hands out the keys: processes of this machine (`run`), or a cluster that maps `process` over
batches of them. Doing a batch again does only what is missing, so whoever loses one may simply repeat it.
"""

from __future__ import annotations

import atexit
import functools
import time
from typing import TYPE_CHECKING, Final

from tinypics.backfill.outcome import DONE, FAILED, SKIPPED, Outcome
from tinypics.delivery import reconcile, result
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request
from tinypics.errors import LoopRefused, PermanentError, TransientError
from tinypics.image.limits import DEFAULT
from tinypics.image.rendition import Rendition
from tinypics.sandbox import process_pool
from tinypics.sandbox.supervisor import Sandbox
from tinypics.store.location import Location, outputs_within

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from tinypics.image.limits import Limits
    from tinypics.store.bucket import Bucket
    from tinypics.store.objects import Found

PAUSES: Final[tuple[float, ...]] = (1.0, 5.0)
"""Seconds before a picture is tried again that failed for a passing reason (the store client has tried by itself)."""

_PASSING: Final = {error.__name__ for error in TransientError.__subclasses__()}

BATCH_KEYS: Final = 32
BATCH_BYTES: Final = 16 * 2**20
"""What a batch has at most: so little that stopping waits for seconds, so much that handing it out costs nothing."""


def process(
    keys: Sequence[str],
    source: str,
    output: str,
    renditions: Sequence[str],
    limits: Limits = DEFAULT,
    *,
    endpoint: str | None = None,
) -> list[Outcome]:
    """Make the outputs of these objects agree with them; one outcome each, in order.

    `source` and `output` are places as in `store.location`, `renditions` texts like `128x128`; a path in `source` only
    says where keys may come from, they are whole. One picture is in memory at a time. Everything can be pickled.
    Raises InvalidRequest and LoopRefused for what is wrong with all keys alike.
    """
    places = Location.parse(source, endpoint), Location.parse(output, endpoint)
    outputs = outputs_within(*places)
    wanted = tuple(map(Rendition.parse, renditions))
    make = functools.partial(
        Request,
        bucket=places[0].bucket_name,
        dest_bucket=places[1].bucket_name,
        renditions=wanted,
        in_folder=len(wanted) > 1 or wanted[0].name is not None,
        prefix=places[1].prefix,
        lenient=limits.lenient,
        follows=True,
    )
    buckets = {place.bucket_name: place for place in places}

    def opened(name: str) -> Bucket:
        return buckets[name].bucket()

    def one(key: str) -> Outcome:
        if outputs is not None and key.startswith(outputs):
            raise LoopRefused(f"key: expected one outside of {outputs}, where outputs are")
        return _told(key, reconcile.run(make(key=key), opened, limits, Handling(), _sandbox().resize_all))

    outcomes: list[Outcome] = []
    pauses = PAUSES
    for key in keys:
        outcomes.append(_tried(key, one, pauses))
        if outcomes[-1].error in _PASSING:
            pauses = ()  # the store has had its time: who waits for this batch does not wait for all of its pictures
    return outcomes


@functools.cache
def _sandbox() -> Sandbox:
    """This process's own: the process holds the credentials of both stores."""
    sandbox = Sandbox(fork=False)
    atexit.register(sandbox.close)
    return sandbox


def _tried(key: str, one: Callable[[str], Outcome], pauses: Sequence[float]) -> Outcome:
    """What becomes of one object, whatever happens: no picture can cost the others of its batch theirs."""
    try:
        return one(key)
    except TransientError as error:
        if not pauses:
            return Outcome(_text(key), FAILED, error.name, error.message)
        time.sleep(pauses[0])
        return _tried(key, one, pauses[1:])
    except PermanentError as error:
        return Outcome(_text(key), FAILED, error.name, error.message)
    except Exception as error:  # noqa: BLE001 - nobody foresaw it, and it is this picture's
        return Outcome(_text(key), FAILED, type(error).__name__, str(error))


def _told(key: str, found: result.Outcome) -> Outcome:
    if isinstance(found, result.Current):
        return Outcome(key, SKIPPED, message=result.CURRENT)
    if isinstance(found, result.Gone):
        return Outcome(key, DONE if found.removed else SKIPPED, message=result.GONE)
    return Outcome(key, DONE)


def _text(key: str) -> str:
    """A key of a file system may not be text: then what is no character of it is written as its number."""
    return key.encode(errors="backslashreplace").decode()


def batches(found: Iterable[Found]) -> Iterator[list[str]]:
    """Keys to hand out together."""
    batch: list[str] = []
    size = 0
    for each in found:
        if batch and (len(batch) == BATCH_KEYS or size + each.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each.key)
        size += each.size
    if batch:
        yield batch


def run(
    found: Iterable[Found], work: Callable[[list[str]], list[Outcome]], processes: int
) -> Generator[Outcome, None, None]:
    """An outcome for each object, in any order, by so many processes that do `work` (`process` with its places).

    `found` is read as it is needed. Closing the iterator lets the batches in hand be finished.
    """
    for keys, outcomes in process_pool.run(work, batches(found), processes, lambda keys: [[key] for key in keys]):
        if outcomes is None:
            message = "the process that worked on it was killed, and so was another that tried it alone"
            yield from (Outcome(_text(key), FAILED, process_pool.DIED, message) for key in keys)
        else:
            yield from outcomes
