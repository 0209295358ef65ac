"""A backfill on a Dask cluster, with the function that `tinypics backfill --engine local` runs in its processes.

    dask scheduler & dask worker tcp://127.0.0.1:8786 --nthreads 1 --nworkers 8 &
    python examples/dask_backfill.py tcp://127.0.0.1:8786 s3://original-pics s3://tiny-pics 128x128 < keys.txt

Workers need tinypics and the credentials of the stores. With `-` as the address, it starts workers on this machine.
Each line of keys.txt is an object key. After a failure, run it again: it skips outputs that are current.
"""

import functools
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from dask.distributed import Client, as_completed

from tinypics.backfill.worker import process

BATCH = 32


def batches(keys: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(keys)
    while batch := list(itertools.islice(remaining, BATCH)):
        yield batch


def backfill(client: Client, keys: Iterable[str], source: str, output: str, renditions: list[str]) -> Counter[str]:
    """Counts by outcome. Submits only as many batches at a time as keep every worker busy."""
    work = functools.partial(process, source=source, output=output, renditions=renditions)
    waiting = ((client.submit(work, batch, pure=False), batch) for batch in batches(keys))
    under_way = dict(itertools.islice(waiting, 4 * sum(client.nthreads().values())))
    finished = as_completed(under_way)
    counts: Counter[str] = Counter()
    for future in finished:
        batch = under_way.pop(future)
        if error := future.exception():  # after Dask's own retries: a picture of the batch kills its worker
            counts[type(error).__name__] += len(batch)
            print(*batch, sep="\n", file=sys.stderr)
        else:
            counts.update(outcome.error or outcome.state for outcome in future.result())
        for new, batch in itertools.islice(waiting, 1):
            under_way[new] = batch
            finished.add(new)
    return counts


if __name__ == "__main__":
    address, source, output, *renditions = sys.argv[1:]
    here = {"host": "127.0.0.1", "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with Client(**here) if address == "-" else Client(address) as client:
        print(dict(backfill(client, (line.rstrip("\n") for line in sys.stdin), source, output, renditions)))
