"""Calls the native module, compiled with sanitizers, with right and wrong arguments: `fuzz_native.py` starts it.

    glue.py MODULE SECONDS FIRST [JPEG...]

Every call returns, or raises one of `REFUSALS`; a sanitizer ends the process at the first fault. Call number n is
always the same.
"""

from __future__ import annotations

import random
import sys
import time
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, Final

from PIL import Image

REFUSALS: Final = (BufferError, MemoryError, OverflowError, TypeError, ValueError)
_MODES: Final = ("L", "RGB", "RGBA", "LA", "RGBa", "I", "F", "1", "P")
_SIDES: Final = (0, 1, 2, 7, 31, 64, -1, 65536, 2**31 - 1, 2**40)
_NUMBERS: Final = (-1, 0, 1, 2, 3, 4, 8, 16, 255, 256, 2**31)


def load(path: str) -> Any:
    loader = ExtensionFileLoader("_native", path)
    spec = spec_from_loader("_native", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


class Caller:
    """The arguments of one call, mostly such that they fit together."""

    def __init__(self, module: Any, seeds: list[bytes], number: int) -> None:
        self.module, self.seeds, self.dice = module, seeds, random.Random(number)

    def wrong(self, right: Any, others: Any) -> Any:
        """Sometimes another value, or one of another type."""
        if self.dice.random() > 0.05:
            return right
        return self.dice.choice([*others, None, b"", "text", 1.5, (1, 2), bytearray(64)])

    def size(self, right: tuple[int, int]) -> Any:
        return self.wrong(tuple(self.wrong(side, _SIDES) for side in right), [(3,), ()])

    def number(self, right: int) -> Any:
        return self.wrong(right, _NUMBERS)

    def pixels(self, mode: str, size: tuple[int, int]) -> Any:
        """A capsule of an image that nothing else keeps, mostly of this mode and size."""
        mode, width, height = self.wrong(mode, []) or "P", *size
        if mode not in _MODES or self.dice.random() < 0.05:
            mode, width = self.dice.choice(_MODES), self.dice.choice((1, width, width + 1))
        schema, array = Image.new(mode, (width, height)).__arrow_c_array__()
        return self.wrong(array, [schema, array])

    def data(self, right: bytes | bytearray) -> Any:
        kind = self.dice.choice((bytes, bytearray, memoryview))
        cut = self.dice.choice((len(right), len(right), self.dice.randrange(len(right) + 1)))
        return self.wrong(kind(right[:cut]), [memoryview(right)[::2]])

    def jpeg(self) -> None:
        seed = bytearray(self.dice.choice(self.seeds))
        with Image.open(_file(seed)) as image:
            size, channels = image.size, len(image.getbands())
        scale = self.dice.choice((2, 4, 8))
        for _ in range(self.dice.randrange(4)):
            seed[self.dice.randrange(len(seed))] = self.dice.randrange(256)
        small = (-(-size[0] // scale), -(-size[1] // scale))
        self.module.jpeg_takes(self.data(seed), self.size(size), self.number(channels), self.number(scale))
        mode = "L" if channels == 1 else "RGB"
        reader = self.module.jpeg_new(
            self.pixels(mode, small), self.size(size), self.number(channels), self.number(scale)
        )
        self.feed(self.module.jpeg_feed, reader, bytes(seed))

    def feed(self, function: Any, reader: Any, data: bytes) -> None:
        step = self.dice.choice((1 + len(data), 700))
        for at in range(0, len(data), step):
            function(self.wrong(reader, [self.pixels("L", (1, 1))]), self.data(data[at : at + step]))

    def png(self) -> None:
        channels, bits, box = self.dice.choice((1, 2, 3, 4)), self.dice.choice((8, 16)), self.dice.choice((1, 2, 9))
        size = (self.dice.randrange(1, 40), self.dice.randrange(1, 20))
        small = (-(-size[0] // box), -(-size[1] // box))
        mode, palette = (None, "L", "RGBA", "RGB", "RGBa")[channels] or "L", b""
        if channels == 1 and self.dice.random() < 0.3:
            bits, palette = self.dice.choice(((1, bytes(8)), (4, bytes(64)), (8, bytes(1024))))
        row = 1 + (size[0] * channels * bits + 7) // 8
        rows = b"".join(bytes([self.dice.randrange(5)]) + self.dice.randbytes(row - 1) for _ in range(size[1]))
        reader = self.module.png_new(
            self.pixels(mode, small), self.number(1 if mode == "L" else 4), self.size(size), self.number(channels),
            self.number(bits), self.number(box), self.data(palette),
        )  # fmt: skip
        self.feed(self.module.png_feed, reader, rows)

    def rows(self) -> None:
        channels, size = self.dice.choice((1, 2, 3, 4)), (self.dice.randrange(1, 40), self.dice.randrange(1, 20))
        first = self.dice.randrange(size[1])
        count = self.dice.randrange(1, size[1] - first + 1)
        mode = ("L", "LA", "RGB", "RGBA")[channels - 1]
        length = count * (1 + channels * size[0])
        buffers = [bytearray(self.dice.choices((length, length - 1, length + 1, 0), (9, 1, 1, 1))[0]) for _ in range(2)]
        self.module.png_rows(
            self.pixels(mode, size), self.number(1 if mode == "L" else 4), self.size(size), self.number(channels),
            self.number(first), self.number(count), *(self.wrong(each, [memoryview(bytes(each))]) for each in buffers),
        )  # fmt: skip

    def resample(self) -> None:
        mode, size, to = self.dice.choice(("L", "RGB", "RGBa")), self.any_size(), self.any_size()
        box = tuple(self.wrong(float(side), (-1.0, float("nan"), 1e300)) for side in (0, 0, *size))
        arguments = [self.number(1 if mode == "L" else 4), self.pixels(mode, size), self.size(size), box]
        self.module.resample(*arguments, self.pixels(mode, to), self.size(to), *self.dice.choice(((), (0,), (1,))))

    def any_size(self) -> tuple[int, int]:
        return self.dice.randrange(1, 70), self.dice.randrange(1, 70)


def _file(data: bytes | bytearray) -> Any:
    import io

    return io.BytesIO(data)


def main(path: str, seconds: str, first: str, *names: str) -> None:
    module, seeds, number, done = load(path), [Path(name).read_bytes() for name in names], int(first), 0
    while True:
        caller = Caller(module, seeds, number)
        try:
            caller.dice.choice((caller.jpeg, caller.png, caller.rows, caller.resample))()
            done += 1
        except REFUSALS:
            pass
        number += 1
        if time.process_time() > float(seconds):
            break
    sys.stdout.write(f"{number - int(first)} calls, {done} accepted, next is {number}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
