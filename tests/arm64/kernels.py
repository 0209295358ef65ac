"""Hashes of what the native kernels make of a fixed set of images: `kernels.py ARTIFACT`, also in an emulator.

Needs nothing but the artifact. Pixels and boxes are made without floating-point functions, whose results may differ.
"""

import hashlib
import io
import json
import random
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

SIZES = [((64, 48), (16, 12)), ((203, 151), (31, 77)), ((1, 90), (40, 3)), ((130, 70), (128, 96)), ((900, 5), (7, 5))]
MODES = {"L": 1, "La": 2, "RGB": 3, "RGBa": 4}


def digests() -> dict[str, str]:
    """One hash for each image; empty if there is no module, or the processor has no vectors for it."""
    from PIL import Image

    from tinypics.image import native

    found: dict[str, str] = {}
    if native.kernels() is None or not native.kernels().level():
        return found
    for number, ((width, height), size) in enumerate(SIZES):
        for mode, channels in MODES.items():
            data = random.Random(number).randbytes(width * height * channels)
            image = Image.frombytes(mode, (width, height), data)
            for box in ((0, 0, width, height), (width / 8, height / 4, width * 0.875, height - 0.3125)):
                if (made := native.resample(image, box, size)) is not None:
                    found[f"{mode} {width}x{height} {box} {size}"] = _hash(made)
            if mode == "RGB":
                found |= _read_smaller(image) | _written(image)
    return found


def _read_smaller(image: "Image.Image") -> dict[str, str]:
    """Of the image as a JPEG with each subsampling, to each size. libjpeg encodes alike on all processors."""
    from PIL import Image

    from tinypics.image import native

    found = {}
    for subsampling in range(3):
        file = io.BytesIO()
        image.save(file, "JPEG", subsampling=subsampling, quality=90)
        for scale in (2, 4, 8):
            made = Image.new("RGB", (-(-image.width // scale), -(-image.height // scale)), None)
            reader = native.kernels().jpeg_new(made.__arrow_c_array__()[1], image.size, 3, scale)
            state = native.kernels().jpeg_feed(reader, file.getvalue())
            found[f"JPEG {image.size} {subsampling} 1/{scale} {state}"] = _hash(made)
    return found


def _written(image: "Image.Image") -> dict[str, str]:
    """The rows of the image as a PNG."""
    from tinypics.image import native

    plain, filtered = (bytearray(image.height * (1 + 3 * image.width)) for _ in range(2))
    native.kernels().png_rows(image.__arrow_c_array__()[1], 4, image.size, 3, 0, image.height, plain, filtered)
    return {f"PNG {image.size}": hashlib.sha256(plain + filtered).hexdigest()}


def _hash(image: "Image.Image") -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    print(json.dumps(digests()))
