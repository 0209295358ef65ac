"""Stores of other vendors, where they differ from S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tinypics.store.bucket import Bucket
from tinypics.store.objects import unquoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore import ObjectMeta, UpdateVersion

_OURS: Final = "tinypics-"


class GoogleBucket(Bucket):
    """Google Cloud Storage has generations, not ETags, in its write conditions: an object's tag is its generation.

    https://cloud.google.com/storage/docs/request-preconditions
    """

    def _tag(self, meta: Any) -> str:
        return meta["version"] or unquoted(meta["e_tag"])

    def _listed_tag(self, meta: ObjectMeta) -> str:
        return meta["version"] or ""  # its listings have ETags, and no generations

    def _if_match(self, tag: str) -> UpdateVersion:
        return {"version": tag}


class AzureBucket(Bucket):
    """Azure accepts a metadata name only if it is a valid C# identifier.

    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
    """

    def _encode_names(self, attributes: Mapping[str, str]) -> dict[str, str]:
        return {name.replace("-", "_") if name.startswith(_OURS) else name: text for name, text in attributes.items()}

    def _decode_names(self, attributes: Mapping[str, str]) -> dict[str, str]:
        ours = _OURS.replace("-", "_")
        return {name.replace("_", "-") if name.startswith(ours) else name: text for name, text in attributes.items()}
