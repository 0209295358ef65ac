"""A minimal Lambda runtime: events in, answers out, one JSON line each, with its times. The last line has the peak
memory.

    python bench/runtime.py HANDLER ANSWERS EVENTS

HANDLER is the module of `lambda_handler`, ANSWERS a file descriptor to write to, EVENTS a JSON list.
"""

import json
import os
import sys
import time
from importlib import import_module


class Context:
    aws_request_id = "bench"
    memory_limit_in_mb = 1769

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def main(module: str, answers: str, events: str) -> None:
    handler = import_module(module).lambda_handler
    for number, event in enumerate(json.loads(events)):
        cpu, wall = (memory.cpu_ms() if number else 0.0), time.perf_counter()  # noqa: F821 - imported below
        answer = handler(event, Context())
        taken = (time.perf_counter() - wall) * 1000
        own = time.process_time() * 1000
        from bench import memory  # imported late, so that it is not part of the measured start

        loading = time.process_time() * 1000 - own
        line = {
            "answer": answer,
            "wall_ms": taken,
            "cpu_ms": memory.cpu_ms() - cpu,
            "since_start_cpu_ms": memory.cpu_ms() - loading,
        }
        os.write(int(answers), json.dumps(line).encode() + b"\n")
    os.write(int(answers), json.dumps({"peak_mb": memory.peak_mb()}).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
