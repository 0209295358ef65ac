"""Modules that are loaded on first use."""

import subprocess
import sys
from pathlib import Path

from tinypics.sandbox import worker

SOURCE = Path(__file__).parents[2] / "src"


def said(program: str) -> list[str]:
    """The lines that a fresh interpreter prints."""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=SOURCE)
    return ran.stdout.splitlines()


def test_a_module_is_loaded_by_its_first_use() -> None:
    program = """
import sys
from tinypics.sandbox.lazy_import import import_lazily
import_lazily("tabnanny", "xml.sax.saxutils")
import tabnanny
from xml.sax import saxutils
print("tokenize" in sys.modules, "urllib.parse" in sys.modules)
print(tabnanny.check.__name__, saxutils.escape("<"))
print("tokenize" in sys.modules, "urllib.parse" in sys.modules)
print(type(sys.modules["tabnanny"]).__name__, sys.modules["tabnanny"].check is tabnanny.check)
import tabnanny as again
print(again.check is tabnanny.check, hasattr(tabnanny, "nothing"))
"""
    assert said(program) == ["False False", "check &lt;", "True True", "module True", "True False"]


def test_a_module_that_is_loaded_stays() -> None:
    program = (
        "import json\nfrom tinypics.sandbox.lazy_import import import_lazily\n"
        "import_lazily('json')\nimport json as b; print(json is b)"
    )
    assert said(program) == ["True"]


def test_a_module_that_is_not_there_is_missed_when_it_is_used() -> None:
    program = """
from tinypics.sandbox.lazy_import import import_lazily
import_lazily("no_such_module")
import no_such_module
try:
    no_such_module.name
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert said(program) == ["no_such_module"]


def test_pillow_works_with_what_its_process_loads_later() -> None:
    program = f"""
import io
from tinypics.sandbox.lazy_import import import_lazily
import_lazily(*{worker.LAZY_MODULES!r})
import sys, tinypics
from PIL import Image
file = io.BytesIO()
file.name = "x.jpg"
Image.new("RGB", (640, 480), "red").save(file)
made = tinypics.resize(file.getvalue(), "64x64")
print(made.width, type(sys.modules["PIL.TiffTags"]).__name__, type(sys.modules["subprocess"]).__name__)
exif = Image.Exif()
exif[0x0112] = 6
Image.new("RGB", (64, 48), "red").save(file := io.BytesIO(), "JPEG", exif=exif)
print(tinypics.resize(file.getvalue(), "48x64-keepall").data[:3].hex(), Image.open(file).getexif()[0x0112])
print(type(sys.modules["PIL.TiffTags"]).__name__)
"""
    assert said(program) == ["64 _LazyModule _LazyModule", "ffd8ff 6", "module"]
