"""Object stores that differ from S3 in what `store.Bucket` relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinypics.store.bucket import Bucket
from tinypics.store.objects import bare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore import UpdateVersion

_OURS = "tinypics-"


class GoogleBucket(Bucket):
    """Google Cloud Storage compares generations when it writes, never ETags, so that an object's tag is its generation.

    https://cloud.google.com/storage/docs/request-preconditions
    """

    def _tag(self, meta: Any) -> str:
        return meta["version"] or bare(meta["e_tag"])

    def _only_over(self, tag: str) -> UpdateVersion:
        return {"version": tag}


class AzureBucket(Bucket):
    """Azure takes names of metadata only if they could be names of C# variables.

    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
    """

    def _named(self, attributes: Mapping[str, str]) -> dict[str, str]:
        return {name.replace("-", "_") if name.startswith(_OURS) else name: text for name, text in attributes.items()}

    def _unnamed(self, attributes: Mapping[str, str]) -> dict[str, str]:
        ours = _OURS.replace("-", "_")
        return {name.replace("_", "-") if name.startswith(ours) else name: text for name, text in attributes.items()}
