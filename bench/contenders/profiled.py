"""Our handler under a profiler. The answer has the milliseconds of each part of the software."""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from typing import Any

import lambda_function
from tinypics import resize_all

lambda_function.SANDBOX.resize_all = resize_all  # type: ignore[assignment,method-assign]  # in this process, where the profiler sees it

_BUILT_IN = "~"
_CALLS = {
    "'decode' of 'ImagingDecoder'": "decoding, in libjpeg under Pillow",
    "'resize' of 'ImagingCore'": "resampling, in Pillow",
    "'encode' of 'ImagingEncoder'": "encoding, in libjpeg under Pillow",
    "'encode_to_file' of 'ImagingEncoder'": "encoding, in libjpeg under Pillow",
    "'acquire' of '_thread.": "waiting for the store and its client, in Rust",
    "'join' of '_thread.": "waiting for the store and its client, in Rust",
}
_FOLDERS = {
    "/tinypics/": "Python of tinypics",
    "lambda_function.py": "Python of tinypics",
    "/PIL/": "Python of Pillow",
    "/obstore/": "Python of obstore",
}


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    profile = cProfile.Profile()
    answer = profile.runcall(lambda_function.lambda_handler, event, context)
    parts: Counter[str] = Counter()
    stats: Any = pstats.Stats(profile)
    for (file, _, name), (_, _, own_seconds, *_) in stats.stats.items():
        parts[_part(file, name)] += own_seconds * 1000
    return {"status": answer["status"], "timings_ms": answer["timings_ms"], "parts": dict(parts)}


def _part(file: str, name: str) -> str:
    if file == _BUILT_IN:
        return next((part for call, part in _CALLS.items() if call in name), "other functions in C")
    return next((part for folder, part in _FOLDERS.items() if folder in file), "Python's standard library")
