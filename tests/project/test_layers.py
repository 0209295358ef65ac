"""Imports run one way, and the resize path pays for nothing that it does not use."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = SOURCE / "tinypics"
ADAPTERS = {"aws", "cli", "console", "local"}
WORKFLOW = {"request", "keys", "store", "download", "manifest", "delivery", "layouts", "invocation"} | {
    "findings",
    "backfill",
    "outcomes",
    "journal",
    "verify",
    "repair",
    "folder",
    "location",
    "partitions",
    "objects",
    "protocol",
    "vendors",
    "listing",
    "walk",
    "pool",
    "guard",
    "apart",
    "calls",
}
WITHOUT_PILLOW = {"geometry", "rendition", "limits", "errors", "request", "keys", "store", "codecs"}


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever it stands and whatever it is for."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def roots(path: Path) -> set[str]:
    """What it imports, by first name; our own modules as `tinypics.name`."""
    return {
        ".".join(name.split(".")[: 2 if name.startswith("tinypics.") else 1]) for name in imported(path)
    }  # fmt: skip


CORE = [
    path for path in PACKAGE.glob("*.py") if path.stem not in WORKFLOW and path.stem not in {"__init__", "__main__"}
]


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_the_core_knows_neither_stores_nor_aws_nor_its_callers(path: Path) -> None:
    above = {"boto3", "botocore", "obstore"} | {f"tinypics.{name}" for name in ADAPTERS | WORKFLOW}
    assert not roots(path) & above


@pytest.mark.parametrize("name", sorted(WORKFLOW))
def test_the_workflow_knows_neither_aws_nor_its_callers(name: str) -> None:
    assert not roots(PACKAGE / f"{name}.py") & ({"boto3", "botocore"} | {f"tinypics.{adapter}" for adapter in ADAPTERS})


@pytest.mark.parametrize("name", sorted(WITHOUT_PILLOW))
def test_what_only_describes_pictures_does_not_import_pillow(name: str) -> None:
    assert not roots(PACKAGE / f"{name}.py") & {"PIL", "pi_heif"}


@pytest.mark.parametrize("path", [SOURCE / "lambda_function.py", *(PACKAGE / "aws").glob("*.py")], ids=lambda p: p.stem)
def test_what_runs_on_lambda_does_not_know_the_laptop(path: Path) -> None:
    assert not roots(path) & {"tinypics.cli", "tinypics.console", "tinypics.local"}


@pytest.mark.parametrize("path", [*(PACKAGE / "console").glob("*.py")], ids=lambda p: p.stem)
def test_the_console_does_not_know_the_command_line(path: Path) -> None:
    assert not roots(path) & {"tinypics.cli", "typer", "rich"}


@pytest.mark.parametrize("path", [*(PACKAGE / "local").glob("*.py")], ids=lambda p: p.stem)
def test_what_asks_the_cloud_does_not_know_who_shows_the_answers(path: Path) -> None:
    assert not roots(path) & {"tinypics.cli", "tinypics.console", "typer", "rich", "starlette", "uvicorn"}


def loaded_by(program: str) -> set[str]:
    """The modules of a fresh interpreter that ran `program`."""
    program += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=SOURCE)
    return set(json.loads(ran.stdout.splitlines()[-1]))


def pillow_plugins(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith("PIL.") and name.endswith("ImagePlugin")}


NEVER = {
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
"""What neither the start of the function nor a resize of a plain picture may load."""


def test_loading_the_handler_loads_no_sdk_and_no_picture_format() -> None:
    modules = loaded_by("import lambda_function")
    assert not modules & NEVER
    assert not pillow_plugins(modules)


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
assert tinypics.image.pipeline(made, "16x16").format == "{format}".lower()
"""
    modules = loaded_by(picture)
    assert not modules & NEVER
    family = {"JPEG": "Jpeg", "PNG": "Png", "GIF": "Gif", "WEBP": "WebP"}[format]
    assert pillow_plugins(modules) == {f"PIL.{family}ImagePlugin"}


def test_only_what_counts_and_the_api_use_the_sdk_that_lambda_brings_along() -> None:
    using = {path.stem for path in (PACKAGE / "aws").glob("*.py") if roots(path) & {"boto3", "botocore"}}
    assert using == {"api", "counting", "lists"}


def test_a_batch_of_a_backfill_loads_no_sdk() -> None:
    modules = loaded_by("import lambda_function; from tinypics.aws.backfill import batch")
    assert not modules & {"boto3", "botocore", "tinypics.aws.backfill.count", "tinypics.aws.backfill.listing"}
    assert "boto3" in loaded_by("from tinypics.aws.backfill import count")  # which is how it would be seen


def test_a_process_of_a_backfill_loads_neither_terminal_nor_sdk() -> None:
    modules = loaded_by("import tinypics.backfill.worker")
    assert not modules & {"boto3", "botocore", "typer", "rich", "numpy", "pi_heif"}
    assert not pillow_plugins(modules)
    assert not {name for name in modules if name.startswith(("tinypics.cli", "tinypics.aws", "tinypics.local"))}


def test_importing_the_package_alone_costs_nothing() -> None:
    modules = loaded_by("import tinypics")
    assert not {name for name in modules if name.split(".")[0] in {"PIL", "obstore"}}
