"""Uploads code, workflow definitions and the template for a deployment, like `sam package`.

Those are adapted to the emulator where it cannot read them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tinypics.stack.clients import Cloud

_ARTIFACTS = "tinypics-artifacts"
AT_ONCE = 2 * (os.cpu_count() or 1)
"""Pictures that a backfill works on at a time. The emulator's map makes no batches."""

_FIXED = {
    "MaxConcurrencyPath": ("MaxConcurrency", AT_ONCE),
    "ToleratedFailurePercentagePath": ("ToleratedFailurePercentage", 5),
}
# Packages for laptops only, and the build recipe.
_LEFT_OUT = ("__pycache__", "native", "tinypics/cli", "tinypics/console", "tinypics/local", "tinypics/stack")
_BUILD = ("Makefile", "bytecode.py")


def pack(folder: Path) -> bytes:
    """`folder` as a Lambda zip. Reproducible: the same contents give the same bytes, at any time on any file system."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in _BUILD and not any(f"/{part}/" in f"/{name}" for part in _LEFT_OUT):
                entry = zipfile.ZipInfo(name)  # 1980-01-01
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def upload_code(s3: Any, project: Path, *templates: dict[str, Any]) -> None:
    """Upload each local path in `templates`, and replace it by the address of the upload, like `sam package`."""
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=_ARTIFACTS)
    stale = {item["Key"] for item in s3.list_objects_v2(Bucket=_ARTIFACTS).get("Contents", [])}
    uploaded: dict[str, str] = {}
    for resource in (each for template in templates for each in template["Resources"].values()):
        for name in ("CodeUri", "DefinitionUri"):
            path = resource.get("Properties", {}).get(name)
            if not isinstance(path, str):
                continue
            if path not in uploaded:
                local = project / path
                body = pack(local) if local.is_dir() else _adapt_for_emulator(local.read_bytes())
                uploaded[path] = hashlib.sha256(body).hexdigest()  # CloudFormation updates code only if its key changes
                s3.put_object(Bucket=_ARTIFACTS, Key=uploaded[path], Body=body)
            resource["Properties"][name] = {"Bucket": _ARTIFACTS, "Key": uploaded[path]}
    for key in stale - set(uploaded.values()):
        s3.delete_object(Bucket=_ARTIFACTS, Key=key)


def upload_template(cloud: Cloud, template: dict[str, Any]) -> str:
    """Upload `template`; its address. CloudFormation allows only 51,200 bytes of a template in a request."""
    body = json.dumps(template).encode()
    key = hashlib.sha256(body).hexdigest()
    cloud.client("s3").put_object(Bucket=_ARTIFACTS, Key=key, Body=body)
    return f"{cloud.endpoint}/{_ARTIFACTS}/{key}"


def _adapt_for_emulator(definition: bytes) -> bytes:
    """The workflow with constants for fields of its maps that the emulator does not read from the input. It would run
    64 items at a time, each in its own process, and stop at the first failure."""

    def replace_fields(node: Any) -> Any:
        if isinstance(node, list):
            return [replace_fields(each) for each in node]
        if not isinstance(node, dict):
            return node
        known = {
            _FIXED[name][0] if name in _FIXED else name: _FIXED.get(name, (name, value))[1]
            for name, value in node.items()
        }
        return {name: replace_fields(value) for name, value in known.items()}

    return json.dumps(replace_fields(json.loads(definition))).encode()


def with_numbers(node: Any, numbers: dict[str, int]) -> Any:
    """`node` with each Ref to a Number parameter replaced by the number. The emulator would pass a string, which some
    of its services cannot compare (an event source mapping fails at `MaximumConcurrency`)."""
    if isinstance(node, dict):
        if node.keys() == {"Ref"} and node["Ref"] in numbers:
            return numbers[node["Ref"]]
        return {key: with_numbers(value, numbers) for key, value in node.items()}
    return [with_numbers(value, numbers) for value in node] if isinstance(node, list) else node
