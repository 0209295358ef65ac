"""A backfill between containers of Azure Blob Storage, with Azurite, Microsoft's emulator."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from obstore.store import AzureStore
from PIL import Image
from typer.testing import CliRunner

from tinypics.cli.app import app

AZURITE = Path(__file__).parents[2] / "build" / "azurite" / "node_modules" / ".bin" / "azurite-blob"
# The account that Azurite documents: "Use the Azurite emulator for local Azure Storage development".
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
VERSION = "2021-08-06"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    assert AZURITE.exists(), f"expected Azurite in {AZURITE.parent}: `make soak` installs it"
    place = ["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"]
    folder = tmp_path_factory.mktemp("azurite")
    command = [str(AZURITE), *place, "--disableTelemetry"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as azurite:
        try:
            assert azurite.stdout
            lines = iter(azurite.stdout.readline, "")
            yield next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            azurite.terminate()


@pytest.fixture
def containers(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> tuple[AzureStore, AzureStore]:
    """An empty container for pictures, and one for outputs."""
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", endpoint)
    for name in ("pictures", "thumbnails"):
        create(endpoint, name)
    return AzureStore("pictures"), AzureStore("thumbnails")


def create(endpoint: str, container: str) -> None:
    """Create a container: "Authorize with Shared Key" and "Create Container", REST API of Azure Storage."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
    resource = f"/{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
    text = "PUT" + "\n" * 12 + "".join(f"{name}:{value}\n" for name, value in sorted(headers.items())) + resource
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    request = urllib.request.Request(
        f"{endpoint}/{ACCOUNT}/{container}?restype=container",
        method="PUT",
        headers={**headers, "Authorization": f"SharedKey {ACCOUNT}:{signature}"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert answer.status == 201


def photo(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(buffer, "JPEG")
    return buffer.getvalue()


def backfill(folder: Path, renditions: str = "64x48,x16-webp") -> Any:
    arguments = ["backfill", "--engine", "local", "--from", "az://pictures", "--to", "az://thumbnails", "--yes"]
    report = ["--report", str(folder / "report"), "--concurrency", "2"]
    result = CliRunner().invoke(app, [*arguments, *report, "--renditions", renditions])
    assert result.exit_code in (0, 1), result.output
    return json.loads((folder / "report" / "report.json").read_text())


def test_outputs_follow_their_sources(containers: tuple[AzureStore, AzureStore], tmp_path: Path) -> None:
    source, output = containers
    for number in range(5):
        source.put(f"a/{number} ü.jpg", photo("red"))
    source.put("broken.jpg", photo("red")[:300])
    first = backfill(tmp_path)
    assert (first["done"], first["failed"], first["errors"]) == (5, 1, {"CorruptImage": 1})
    again = backfill(tmp_path)
    assert (again["done"], again["skipped"], again["failed"]) == (0, 5, 1)

    source.put("a/3 ü.jpg", photo("blue"))
    third = backfill(tmp_path)
    assert (third["done"], third["skipped"]) == (1, 4)
    manifest = json.loads(bytes(output.get("a/3 ü.jpg/manifest.json").bytes()))
    small = next(item for item in manifest["renditions"] if item["rendition"] == "64x48")
    stored = Image.open(io.BytesIO(bytes(output.get(small["key"]).bytes())))
    red, _, blue = stored.convert("RGB").getpixel((32, 24))  # type: ignore[misc]
    assert blue > 200 > 50 > red
    assert stored.size == (64, 48)
    assert backfill(tmp_path, "32x32,x16-webp")["done"] == 5
