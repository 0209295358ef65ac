"""No picture is decoded in a process with credentials: such a process never loads a decoder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import encoded, photo

pytestmark = pytest.mark.process

PROJECT = Path(__file__).parents[2]

STORES = """
import json, pathlib, sys
from obstore.store import MemoryStore
from tinypics.store.bucket import Bucket
picture = pathlib.Path(sys.argv[1])
buckets = {name: Bucket(name, MemoryStore()) for name in ("original-pics", "tiny-pics")}
buckets["original-pics"].put(picture.name, picture.read_bytes(), attributes={}, replaces=None)
"""
WAYS = {
    "a list of renditions": """
import lambda_function
from tinypics.aws.settings import Settings
lambda_function.SETTINGS, lambda_function.open_bucket = Settings(output_bucket="tiny-pics"), buckets.__getitem__
event = {"bucket": "original-pics", "key": picture.name, "renditions": ["32x", "16x16-webp"]}
done = lambda_function.lambda_handler(event, None)["status"] == "SUCCESS"
""",
    "verify": """
from types import SimpleNamespace
from tinypics.aws.settings import Settings
from tinypics.cli import verify
target = SimpleNamespace(
    cloud=SimpleNamespace(bucket=buckets.__getitem__),
    stack=SimpleNamespace(source_bucket="original-pics", output_bucket="tiny-pics"),
)
settings = Settings(output_bucket="tiny-pics")
from tinypics.sandbox.supervisor import Sandbox
from tinypics.store.objects import Listed
checker = verify._checker(target, settings, "", 1, Sandbox(fork=False))
listed = Listed(picture.name, picture.stat().st_size, buckets["original-pics"].head(picture.name).etag)
done = checker.check([listed], []).findings[0].kind == "missing"
""",
    "a preview of the console": """
from types import SimpleNamespace
from tinypics.aws.settings import Settings
from tinypics.console.preview import Previews
Previews.settings = lambda self: Settings(output_bucket="tiny-pics")
previews = Previews(SimpleNamespace(bucket=buckets.__getitem__), None)
output, facts = previews.preview({"bucket": "original-pics", "key": picture.name, "renditions": ["32x", "16x16-webp"]})
done = facts["width"] == 32
""",
    "a backfill by this machine": """
from tinypics.backfill import worker
(outcome,) = worker.process([picture.name], str(picture.parent), sys.argv[2], ["32x", "16x16-webp"])
done = outcome.state == "done"
""",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_process_with_credentials_loads_no_decoder(way: str, tmp_path: Path) -> None:
    source, output = tmp_path / "source", tmp_path / "output"
    for folder in (source, output):
        folder.mkdir()
    picture = source / "a.jpg"
    picture.write_bytes(encoded(photo((320, 240)), "JPEG"))
    told = 'print(json.dumps({"done": done, "modules": sorted(sys.modules)}))'
    command = [sys.executable, "-c", STORES + WAYS[way] + told, str(picture), str(output)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT / "src")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["done"]
    assert [name for name in found["modules"] if name.partition(".")[0] in ("PIL", "pi_heif")] == []
