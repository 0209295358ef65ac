"""A backfill on your own machines: the function's work without Lambda, from any store to any other.

`process` takes picklable values, so a local pool (`run`) or a cluster can run it. It is idempotent: rerun a lost batch.
"""

from __future__ import annotations

import atexit
import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tinypics.backfill.outcome import DONE, FAILED, SKIPPED, ObjectOutcome
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
    from tinypics.store.objects import Listed

PAUSES: Final[tuple[float, ...]] = (1.0, 5.0)
"""Seconds before each retry after a transient error, besides the retries of the store client."""

_TRANSIENT: Final = {error.__name__ for error in TransientError.__subclasses__()}

BATCH_KEYS: Final = 32
BATCH_BYTES: Final = 16 * 2**20
"""Limits of a batch: small enough to stop within seconds, large enough to make submitting it cheap."""


def process(
    keys: Sequence[str],
    source: str,
    output: str,
    renditions: Sequence[str],
    limits: Limits = DEFAULT,
    *,
    endpoint: str | None = None,
) -> list[ObjectOutcome]:
    """Update the outputs of these objects; one outcome each, in order.

    `source` and `output` are locations as in `store.location`, `renditions` texts like `128x128`. `keys` are whole
    keys, which include any prefix of `source`. One picture is in memory at a time. All values can be pickled.
    Raises InvalidRequest and LoopRefused for errors that concern all keys.
    """
    places = Location.parse(source, endpoint), Location.parse(output, endpoint)
    task = _Task(*places, outputs_within(*places), tuple(map(Rendition.parse, renditions)), limits)
    outcomes: list[ObjectOutcome] = []
    pauses = PAUSES
    for key in keys:
        outcomes.append(_with_retries(key, task.reconcile, pauses))
        if outcomes[-1].error in _TRANSIENT:
            pauses = ()  # The store is down: fail the rest of the batch without waiting.
    return outcomes


@dataclass(frozen=True, slots=True)
class _Task:
    """The work on any one object. `outputs` is the prefix of outputs in `source`, if they are there, too."""

    source: Location
    output: Location
    outputs: str | None
    renditions: tuple[Rendition, ...]
    limits: Limits

    def reconcile(self, key: str) -> ObjectOutcome:
        if self.outputs is not None and key.startswith(self.outputs):
            raise LoopRefused(f"key: expected one outside of {self.outputs}, where outputs are")
        request = Request(
            key=key,
            bucket=self.source.bucket_name,
            dest_bucket=self.output.bucket_name,
            renditions=self.renditions,
            in_folder=len(self.renditions) > 1 or self.renditions[0].name is not None,
            prefix=self.output.prefix,
            lenient=self.limits.lenient,
            follows=True,
        )
        return _outcome_of(key, reconcile.run(request, self._bucket, self.limits, Handling(), _sandbox().resize_all))

    def _bucket(self, name: str) -> Bucket:
        return (self.output if name == self.output.bucket_name else self.source).bucket()


@functools.cache
def _sandbox() -> Sandbox:
    """This process's sandbox, because the process holds the credentials of both stores."""
    sandbox = Sandbox(fork=False)
    atexit.register(sandbox.close)
    return sandbox


def _with_retries(key: str, one: Callable[[str], ObjectOutcome], pauses: Sequence[float]) -> ObjectOutcome:
    """The outcome of one object. Every exception becomes one, so that no picture can fail the rest of its batch."""
    try:
        return one(key)
    except TransientError as error:
        if not pauses:
            return ObjectOutcome(_valid_unicode(key), FAILED, error.name, error.message)
        time.sleep(pauses[0])
        return _with_retries(key, one, pauses[1:])
    except PermanentError as error:
        return ObjectOutcome(_valid_unicode(key), FAILED, error.name, error.message)
    except Exception as error:  # noqa: BLE001 - an unexpected error fails only this picture
        return ObjectOutcome(_valid_unicode(key), FAILED, type(error).__name__, str(error))


def _outcome_of(key: str, found: result.Outcome) -> ObjectOutcome:
    if isinstance(found, result.Gone):
        return ObjectOutcome(key, DONE if found.removed else SKIPPED, message=result.GONE)
    return ObjectOutcome(key, SKIPPED, message=result.CURRENT) if found.skipped else ObjectOutcome(key, DONE)


def _valid_unicode(key: str) -> str:
    """A key as valid Unicode: bytes of a file name that are not UTF-8 are escaped."""
    return key.encode(errors="backslashreplace").decode()


def batches(found: Iterable[Listed]) -> Iterator[list[str]]:
    """Group keys into batches."""
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
    found: Iterable[Listed], work: Callable[[list[str]], list[ObjectOutcome]], processes: int
) -> Generator[ObjectOutcome, None, None]:
    """Run `work` (`process` with its locations) in a pool of processes; one outcome per object, in any order.

    `found` is read lazily. Closing the iterator finishes the batches in progress.
    """
    for keys, outcomes in process_pool.run(work, batches(found), processes, lambda keys: [[key] for key in keys]):
        if outcomes is None:
            message = "the process that resized it was killed, and so was the one that retried it alone"
            yield from (ObjectOutcome(_valid_unicode(key), FAILED, process_pool.DIED, message) for key in keys)
        else:
            yield from outcomes
