"""An opened source to the outputs that are to be stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tinypics.delivery import keys, outputs
from tinypics.delivery.outputs import NewOutputs
from tinypics.errors import CorruptImage, LoopRefused
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinypics.delivery.manifest import StoredOutput
    from tinypics.delivery.outputs import ExistingOutputs
    from tinypics.delivery.request import Request
    from tinypics.image.limits import Limits
    from tinypics.image.rendition import Rendition
    from tinypics.image.results import Resized
    from tinypics.store.download import Download

Resizer = Callable[["Download", "Sequence[Rendition]", "Limits"], "Resized"]
"""`tinypics.resize_all`, or the same in another process."""


def reusable(request: Request, existing: ExistingOutputs, download: Download) -> dict[str, StoredOutput]:
    """Outputs in a folder that are still valid although the recipe changed, by rendition."""
    if not request.in_folder or existing.source_etag != download.stat.etag:
        return {}
    return {item.rendition: item for item in existing.outputs if "missing-data" not in item.dropped}


def missing(request: Request, reused: Mapping[str, StoredOutput]) -> list[Rendition]:
    """The renditions of the request that are not reused."""
    return [rendition for rendition in request.renditions if str(rendition) not in reused]


def resize(
    request: Request, download: Download, renditions: Sequence[Rendition], limits: Limits, resize_all: Resizer
) -> Resized:
    """These renditions of a source and, for a manifest, its placeholder.

    Raises LoopRefused, CorruptImage, and the errors of `resize_all`.
    """
    if outputs.RECIPE in download.stat.metadata:
        raise LoopRefused(f'"{request.key}" is itself an output of tinypics, as its metadata says')
    if download.size == 0:
        raise CorruptImage("the object is empty: expected the bytes of a picture, got 0 bytes")
    wanted = [replace(each, format=keys.fixed_format(request.key, each)) for each in renditions]
    if request.in_folder:
        from tinypics.image.placeholder import PLACEHOLDER  # only a manifest needs it

        wanted.append(PLACEHOLDER)
    return resize_all(download, wanted, replace(limits, lenient=request.lenient or limits.lenient))


def new_outputs(
    request: Request, download: Download, reused: Mapping[str, StoredOutput], resized: Resized
) -> NewOutputs:
    """The outputs to store, made of the renditions that are `missing`, beside those that are reused."""
    source = {
        "bucket": request.bucket,
        "key": request.key,
        "etag": download.stat.etag,
        "version_id": download.stat.version_id,
        "width": resized.source.width,
        "height": resized.source.height,
        "format": resized.source.format,
        "bytes": download.size,
    }
    # Outputs are named by what was asked for, not by its fixed format. The placeholder, if any, is the last one.
    pairs = zip(resized.outputs, missing(request, reused), strict=False)
    made = tuple(replace(output, rendition=asked) for output, asked in pairs)
    return NewOutputs(made, source, reused, resized.outputs[-1] if request.in_folder else None)
