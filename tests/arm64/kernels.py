"""Hashes of what the native kernels make of a fixed set of images: `kernels.py ARTIFACT`, also in an emulator.

Needs nothing but the artifact. Pixels and boxes are made without floating-point functions, whose results may differ.
"""

import hashlib
import json
import random
import sys

SIZES = [((64, 48), (16, 12)), ((203, 151), (31, 77)), ((1, 90), (40, 3)), ((130, 70), (128, 96)), ((900, 5), (7, 5))]
MODES = {"L": 1, "La": 2, "RGB": 3, "RGBa": 4}


def digests() -> dict[str, str]:
    """One hash for each resampled image; empty if there is no module, or the processor has no vectors for it."""
    from PIL import Image

    from tinypics.image import native

    found = {}
    for number, ((width, height), size) in enumerate(SIZES):
        for mode, channels in MODES.items():
            data = random.Random(number).randbytes(width * height * channels)
            image = Image.frombytes(mode, (width, height), data)
            for box in ((0, 0, width, height), (width / 8, height / 4, width * 0.875, height - 0.3125)):
                if (made := native.resample(image, box, size)) is not None:
                    found[f"{mode} {width}x{height} {box} {size}"] = hashlib.sha256(made.tobytes()).hexdigest()
    return found


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    print(json.dumps(digests()))
