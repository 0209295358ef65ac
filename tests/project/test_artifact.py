"""The deployable folder works by itself: built with the recipe for Lambda, loaded without our environment."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.artifact import PROJECT, SDK, link
from tinypics.local import package

pytestmark = pytest.mark.release

PROBE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import lambda_function
print(json.dumps({
    "modules": sorted(sys.modules),
    "outside": [m.__file__ for m in list(sys.modules.values())
                if getattr(m, "__file__", None) and "site-packages" in m.__file__],
    "answer": lambda_function.lambda_handler({"bucket": "b", "key": "k", "width": 0}, None),
}))
"""


def test_the_handler_loads_and_answers_in_a_clean_interpreter(artifact: Path) -> None:
    # -I: no environment variables and no user packages; -S: no site-packages of any kind.
    command = [sys.executable, "-I", "-S", "-B", "-c", PROBE, str(artifact)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={}, cwd=artifact)
    assert ran.returncode == 0, ran.stderr
    log_line, found = map(json.loads, ran.stdout.splitlines())
    assert found["outside"] == []
    assert found["answer"]["error"] == log_line["error"] == "InvalidRequest"


COUNT = """
import sys
sys.path[:0] = sys.argv[1:]
import lambda_function
try:
    lambda_function.lambda_handler({"backfill": {"id": "x", "input": {"bucket": "original-pics"}}}, None)
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_count_needs_the_sdk_of_the_runtime_and_nothing_else(artifact: Path, tmp_path: Path) -> None:
    link(SDK, tmp_path)
    assert not {path.name for path in artifact.iterdir()} & set(SDK)
    nowhere = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1", "AWS_DEFAULT_REGION": "x"}
    nowhere |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    command = [sys.executable, "-I", "-S", "-B", "-c", COUNT, str(artifact), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=nowhere, cwd=artifact)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "StoreUnavailable original-pics: EndpointConnectionError\n"


def test_the_folder_is_small_enough_and_complete(artifact: Path) -> None:
    size = sum(path.stat().st_size for path in artifact.rglob("*") if path.is_file())
    assert size <= 60 * 10**6
    assert {"lambda_function.py", "tinypics", "PIL", "obstore", "pi_heif"} <= {path.name for path in artifact.iterdir()}
    folders = {path.name for path in (artifact / "tinypics").iterdir() if path.is_dir()}
    assert not folders & {"cli", "console", "local", "stack"}  # they run on laptops only
    assert {"aws", "delivery", "image", "sandbox", "store"} <= folders


def test_the_zip_of_the_local_emulator_holds_the_same_files_of_ours(artifact: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package.pack(PROJECT / "src"))) as packed:
        names = set(packed.namelist())
    ours = [artifact / "lambda_function.py", artifact / "requirements.txt", *(artifact / "tinypics").rglob("*")]
    built = {path.relative_to(artifact).as_posix() for path in ours if path.is_file() and path.suffix != ".pyc"}
    assert names == built


def test_every_module_has_bytecode_that_is_valid_for_any_modification_time(artifact: Path) -> None:
    sources = {path for path in artifact.rglob("*.py") if path.parts[-2] != "__pycache__"}
    compiled = {Path(importlib.util.cache_from_source(str(path))) for path in sources}
    assert compiled == set(artifact.rglob("*.pyc"))
    never_checked = (0b01).to_bytes(4, "little")  # PEP 552
    assert {path.read_bytes()[:8] for path in compiled} == {importlib.util.MAGIC_NUMBER + never_checked}


def test_the_recipe_builds_for_the_processor_of_the_template() -> None:
    template = (PROJECT / "template.yaml").read_text()
    assert template.count("Architectures: [arm64]") == template.count("Type: AWS::Serverless::Function")
    recipe = (PROJECT / "src" / "Makefile").read_text()
    assert "ARCH ?= arm64" in recipe
    version = re.search(r"^VERSION := (.+)$", recipe, re.MULTILINE)
    assert version is not None
    assert set(re.findall(r"Runtime: (\S+)", template)) == {f"python{version[1]}"}
