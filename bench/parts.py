"""The parts of the software in which time goes, by Python's profiler: of one library row, as a program.

    python bench/parts.py SOURCE WANTED

WANTED is JSON, as in `child.py`. Standard output is JSON: CPU milliseconds of each part, medians of some repetitions.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, Final

_REPETITIONS: Final = 7
_BUILT_IN: Final = "~"
_CALLS: Final = {
    "_native.jpeg_feed": "decoding, in the native module",
    "_native.png_feed": "decoding, in the native module",
    "_native.resample": "resampling, in the native module",
    "'decompress' of": "decoding, in the inflater",
    "'decode' of 'ImagingDecoder'": "decoding, under Pillow",
    "of 'AvifDecoder'": "decoding, under Pillow",
    "'resize' of 'ImagingCore'": "resampling, in Pillow",
    "_native.png_rows": "encoding, in the native module",
    "isal_zlib.compress>": "encoding, in the deflater",
    "'compress' of": "encoding, in the deflater",
    "'encode' of 'ImagingEncoder'": "encoding, under Pillow",
    "'encode_to_file' of 'ImagingEncoder'": "encoding, under Pillow",
    "WebPEncode": "encoding, under Pillow",
    "of 'WebPAnimEncoder'": "encoding, under Pillow",
    "of 'AvifEncoder'": "encoding, under Pillow",
    "'acquire' of '_thread.": "waiting for the store and its client, in Rust",
    "'join' of '_thread.": "waiting for the store and its client, in Rust",
}
_FOLDERS: Final = {
    "_decode.py": "decoding, in our Python and by ctypes",
    "/tinypics/": "Python of tinypics",
    "lambda_function.py": "Python of tinypics",
    "/PIL/": "Python of Pillow",
    "/obstore/": "Python of obstore",
}


def of(profile: cProfile.Profile) -> dict[str, float]:
    """Milliseconds of each part."""
    found: Counter[str] = Counter()
    stats: Any = pstats.Stats(profile)
    for (file, _, name), (_, _, own_seconds, *_) in stats.stats.items():
        found[_part(file, name)] += own_seconds * 1000
    return dict(found)


def medians(found: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in found for name in each)
    return {name: median([each.get(name, 0.0) for each in found]) for name in names}


def _part(file: str, name: str) -> str:
    if file == _BUILT_IN:
        return next((part for call, part in _CALLS.items() if call in name), "other functions in C")
    return next((part for folder, part in _FOLDERS.items() if folder in file), "Python's standard library")


def main(source: str, wanted: str) -> None:
    from bench.contenders import ours

    data, asked, found = Path(source).read_bytes(), json.loads(wanted), []
    ours.resize(data, asked)
    for _ in range(_REPETITIONS):
        profile = cProfile.Profile(time.process_time)
        profile.runcall(ours.resize, data, asked)
        found.append(of(profile))
    sys.stdout.write(json.dumps(medians(found)))


if __name__ == "__main__":
    main(*sys.argv[1:])
