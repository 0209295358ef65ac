"""The facts of stored outputs and of their sources: of what was just made, or from an output's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinypics.delivery.manifest import StoredOutput
from tinypics.delivery.outputs import FACTS, SOURCE_ETAG, SOURCE_FACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.image.results import Output
    from tinypics.store.objects import Stat


def stored_output(key: str, output: Output, etag: str, *, sha256: str = "") -> StoredOutput:
    return StoredOutput(
        rendition=str(output.rendition),
        key=key,
        width=output.width,
        height=output.height,
        format=output.format,
        bytes=len(output.data),
        etag=etag,
        sha256=sha256,
        dropped=output.dropped,
    )


def sha256_of(data: bytes) -> str:
    from hashlib import sha256  # loads OpenSSL, which takes 4 ms; only manifests need it

    return sha256(data).hexdigest()


def output_from_metadata(rendition: str, key: str, stat: Stat) -> StoredOutput | None:
    """The facts of an output, from its metadata; None if they are missing."""
    size, name, dropped = split_facts(stat.metadata.get(FACTS, ""))
    if size is None or not name:
        return None
    lost = tuple(dropped.split(",")) if dropped else ()
    return StoredOutput(rendition, key, *size, name, stat.size, stat.etag, dropped=lost)


def source_from_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The facts of the source, from an output's metadata: the ETag at least."""
    etag = metadata.get(SOURCE_ETAG, "")
    size, name, count = split_facts(metadata.get(SOURCE_FACTS, ""))
    if size is None or not count.isdigit():
        return {"etag": etag}
    return {"etag": etag, "width": size[0], "height": size[1], "format": name, "bytes": int(count)}


def split_facts(facts: str) -> tuple[tuple[int, int] | None, str, str]:
    """The metadata `FACTS` or `SOURCE_FACTS`, `4032x3024 jpeg rest`, split into its three parts."""
    size, _, rest = facts.partition(" ")
    name, _, rest = rest.partition(" ")
    width, _, height = size.partition("x")
    return ((int(width), int(height)) if width.isdigit() and height.isdigit() else None), name, rest
