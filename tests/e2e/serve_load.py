"""2,000 requests for 200 addresses through the serving function in the emulator, 16 at a time.

    python tests/e2e/serve_load.py

Each answer must be the right picture, and each output must be made once. The exit code is 1 if not.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.e2e.serve_client import Site
from tests.e2e.test_resize import IN
from tests.local_stack import PROJECT, LocalStack
from tests.pictures import encoded, quadrants
from tinypics.local import deploy

SOURCES, SIZES, REQUESTS, AT_ONCE = 20, 10, 2000, 16


def colour(number: int) -> tuple[int, int, int]:
    return 10 * number + 20, 255 - 10 * number, 128


def main() -> int:
    # Without a reservation, because the emulator refuses what is above it, as Lambda does.
    parameters = {"DynamicConcurrency": "0", "Trigger": "none", "Api": "off", "Renditions": "8x,9x"}
    with (
        tempfile.TemporaryDirectory() as data,
        deploy.running(Path(data), PROJECT, port=0, parameters=parameters) as (_, facts),
    ):
        site = Site(LocalStack(facts, Path(data)))
        for number in range(SOURCES):
            body = encoded(quadrants((400, 300), [colour(number)] * 4), "JPEG", quality=95)
            site.stack.s3.put_object(Bucket=IN, Key=f"{number}.jpg", Body=body)
        widths = range(40, 40 + 8 * SIZES, 8)
        addresses = [
            (site.signed(f"{number}.jpg", f"{width}x"), number, width) for number in range(SOURCES) for width in widths
        ]
        asked = addresses * (REQUESTS // len(addresses))
        random.Random(1).shuffle(asked)

        def ask(wanted: tuple[str, int, int]) -> tuple[str, float]:
            url, number, width = wanted
            began = time.monotonic()
            answer = site.get(url)
            took = time.monotonic() - began
            if answer.status != 200:
                return f"status {answer.status}", took
            picture = answer.picture.convert("RGB")
            pixel = picture.getpixel((width // 2, width * 3 // 8))
            assert isinstance(pixel, tuple)
            near = all(abs(one - other) < 6 for one, other in zip(pixel, colour(number), strict=True))
            return "right" if near and picture.size == (width, round(width * 3 / 4)) else "wrong", took

        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(ask, asked))
        seconds = time.monotonic() - began
        outcomes = Counter(each for number in range(SOURCES) for each in site.outcomes(f"{number}.jpg"))
    results = Counter(result for result, _ in answers)
    times = sorted(took for _, took in answers)
    print(f"{len(answers)} requests in {seconds:.0f} s: {dict(results)}; outcomes in the log: {dict(outcomes)}")
    print(
        f"median {times[len(times) // 2] * 1000:.0f} ms, 99th percentile {times[len(times) * 99 // 100] * 1000:.0f} ms"
    )
    return 0 if results["right"] == REQUESTS and outcomes["made"] == len(addresses) else 1


if __name__ == "__main__":
    sys.exit(main())
