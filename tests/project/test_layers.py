"""Imports follow the order of the layers, and the resize path loads only modules that it uses."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = SOURCE / "tinypics"

# Allowed imports: each package may import the packages of rows above its own, and these third-party packages.
MAY_IMPORT: dict[str, tuple[str, str]] = {
    "errors": ("", ""),
    "translating": ("", ""),
    "values": ("", ""),
    "prices": ("", ""),
    "install": ("", ""),
    "image": ("_native errors translating values install", "PIL pi_heif isal"),
    "store": ("errors translating values image", "obstore"),
    "sandbox": ("errors image store", ""),
    "delivery": ("errors values image store", ""),
    "urls": ("errors values image store delivery", ""),
    "verify": ("errors values image store sandbox delivery", "obstore"),
    "backfill": ("errors values prices image store sandbox delivery", ""),
    "aws": ("errors values prices image store sandbox delivery urls verify backfill", "obstore boto3 botocore"),
    "stack": (
        "errors values prices image store sandbox delivery urls verify backfill aws",
        "boto3 botocore obstore",
    ),
    "local": ("errors store aws stack", "boto3 botocore samtranslator yaml ministack"),
    "console": (
        "errors values prices image store sandbox delivery urls verify backfill aws stack",
        "starlette uvicorn botocore",
    ),
    "cli": (
        "errors values prices install image store sandbox delivery urls verify backfill aws stack local console",
        "typer rich boto3 botocore obstore PIL",
    ),
}

# Also without Pillow, because these modules are loaded where no picture is decoded.
WITHOUT_PILLOW = (
    "headers",
    "geometry.py",
    "options.py",
    "rendition.py",
    "limits.py",
    "formats.py",
    "stream.py",
    "results.py",
)


def imported(path: Path) -> set[str]:
    """Every module that a file imports, in any place and for any purpose."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "tinypics":
            found |= {f"tinypics.{alias.name}" for alias in node.names if not alias.name.startswith("__")}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def files(package: str) -> list[Path]:
    return sorted((PACKAGE / package).rglob("*.py")) or [PACKAGE / f"{package}.py"]


def ours(path: Path) -> set[str]:
    """The packages of ours that a file imports from."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("tinypics.")}


def others(path: Path) -> set[str]:
    """The third-party packages that a file imports."""
    return {name.split(".")[0] for name in imported(path)} - {"tinypics", "lambda_function", *sys.stdlib_module_names}


def test_the_table_has_every_package_in_an_order_without_circles() -> None:
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert there - {"__init__", "__main__"} == MAY_IMPORT.keys()
    above = {"_native"}  # the native module, which imports nothing
    for package, (packages, _) in MAY_IMPORT.items():
        assert set(packages.split()) <= above
        above.add(package)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_what_the_table_allows(package: str) -> None:
    packages, parties = (set(each.split()) for each in MAY_IMPORT[package])
    for path in files(package):
        assert ours(path) <= packages | {package}, path
        assert others(path) <= parties, path


@pytest.mark.parametrize("name", WITHOUT_PILLOW)
def test_modules_that_only_describe_pictures_do_not_import_pillow(name: str) -> None:
    for path in files(f"image/{name}") if not name.endswith(".py") else [PACKAGE / "image" / name]:
        assert not others(path), path


def test_the_sdk_is_imported_where_lambda_brings_it_along() -> None:
    using = {path.relative_to(PACKAGE).as_posix() for path in files("aws") if others(path) & {"boto3", "botocore"}}
    assert using == {"aws/api.py", "aws/backfill/count.py", "aws/backfill/listing.py"}


def loaded_by(program: str) -> set[str]:
    """The modules of a fresh interpreter that ran `program`."""
    program += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=SOURCE)
    return set(json.loads(ran.stdout.splitlines()[-1]))


def pillow_plugins(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith("PIL.") and name.endswith("ImagePlugin")}


FORBIDDEN_MODULES = {
    "boto3",
    "botocore",
    "pi_heif",
    "typer",
    "rich",
    "numpy",
    "html",
    "dataclasses",
    "hashlib",
    "inspect",
    "socket",
    "urllib",
}
"""Modules that neither the start of the function nor a resize of a plain picture may load."""


def test_loading_the_handler_loads_no_sdk_and_no_picture_format() -> None:
    modules = loaded_by("import lambda_function")
    assert not modules & FORBIDDEN_MODULES
    assert not pillow_plugins(modules)


def test_the_start_of_the_function_compiles_no_values() -> None:
    """A `NamedTuple` compiles its methods, as dataclasses do: 4 ms for the first one."""
    names = {name for name in loaded_by("import lambda_function") if name.partition(".")[0] == "tinypics"}
    paths = {SOURCE / name.replace(".", "/") for name in names}
    sources = [path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py" for path in paths]
    assert PACKAGE / "store" / "objects.py" in sources
    assert not [path for path in sources if "(NamedTuple)" in path.read_text()]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_resize_loads_the_plugin_of_its_format_and_no_other(format: str) -> None:
    picture = f"""
import io, subprocess, sys
made = subprocess.run([sys.executable, "-c", '''
import sys
from PIL import Image
exif = Image.Exif()
exif[0x011A] = 72.0
options = {{"exif": exif}} if "{format}" == "JPEG" else {{}}
Image.new("RGB", (64, 48), "red").save(sys.stdout.buffer, "{format}", **options)
'''], capture_output=True, check=True).stdout
import lambda_function, tinypics
assert tinypics.resize(made, "16x16").format == "{format}".lower()
"""
    modules = loaded_by(picture)
    assert not modules & FORBIDDEN_MODULES
    family = {"JPEG": "Jpeg", "PNG": "Png", "GIF": "Gif", "WEBP": "WebP"}[format]
    assert pillow_plugins(modules) == {f"PIL.{family}ImagePlugin"}


def test_a_batch_of_a_backfill_loads_no_sdk() -> None:
    modules = loaded_by("import lambda_function; from tinypics.aws.backfill import batch")
    assert not modules & {"boto3", "botocore", "tinypics.aws.backfill.count", "tinypics.aws.backfill.listing"}
    assert "boto3" in loaded_by("from tinypics.aws.backfill import count")  # so the check would see it


def test_a_process_of_a_backfill_loads_neither_terminal_nor_sdk() -> None:
    modules = loaded_by("import tinypics.backfill.worker")
    assert not modules & {"boto3", "botocore", "typer", "rich", "numpy", "pi_heif"}
    assert not pillow_plugins(modules)
    assert not {name for name in modules if name.startswith(("tinypics.cli", "tinypics.aws", "tinypics.local"))}


def test_importing_the_package_alone_costs_nothing() -> None:
    modules = loaded_by("import tinypics")
    assert not {name for name in modules if name.split(".")[0] in {"PIL", "obstore"}}
