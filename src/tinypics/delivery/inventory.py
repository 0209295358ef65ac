"""The objects that are at the keys that an output of a source can have, under any recipe and in any layout."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tinypics.delivery import keys
from tinypics.delivery.manifest import MAX_BYTES, Manifest
from tinypics.errors import SourceChanged, SourceNotFound, SourceTooLarge
from tinypics.store.bucket import PAGE
from tinypics.store.objects import Conflict, Listed, UnsupportedKey
from tinypics.store.threads import together

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinypics.store.bucket import Bucket

_AFTER: Final = "0"  # the next character after "." and "/", so it sorts after every output


def read(bucket: Bucket, base: str, expected: Iterable[str]) -> dict[str, Listed]:
    """The objects by key, the likeliest outputs first. One listing finds all of them: their keys sort close together.

    Keys that the client cannot represent, or a thousand other objects in between, can make that listing useless. Then
    the keys that are known are read one by one: `expected`, those of single outputs, and those that the manifest names.

    :raises Conflict: the manifest was replaced meanwhile, by one that may name others.
    """
    try:
        page = bucket.from_key(base)
        if len(page) < PAGE or page[-1].key >= base + _AFTER:
            return _with_tags(bucket, {each.key: each for each in page if keys.may_be_output(base, each.key)})
    except UnsupportedKey:
        pass
    found: dict[str, Listed] = {}
    with suppress(UnsupportedKey):
        found = {each.key: each for each in bucket.from_key(f"{base}/") if keys.may_be_output(base, each.key)}
    marker = f"{base}/{keys.MANIFEST}"
    etag, named = _read_manifest(bucket, marker)
    known = {*expected, *keys.possible_single_outputs(base), *named, marker} - (found.keys() - {marker})
    found = _with_tags(bucket, found | _heads(bucket, sorted(known)))
    if etag != (found[marker].etag if marker in found else ""):
        raise Conflict(f'object "{marker}" was replaced after it was read')
    return found


def _read_manifest(bucket: Bucket, marker: str) -> tuple[str, tuple[str, ...]]:
    """The ETag of the object at the manifest's key ("" if there is none), and the keys that it names."""
    try:
        download = bucket.open(marker, max_bytes=MAX_BYTES)
        manifest = Manifest.from_json(download.read_all())
    except SourceChanged as error:
        raise Conflict(str(error)) from error
    except SourceNotFound:
        return "", ()
    except SourceTooLarge as error:  # not a manifest
        return error.etag, ()
    base = marker.rpartition("/")[0]
    named = tuple(key for key in manifest.all_keys if keys.may_be_output(base, key)) if manifest else ()
    return download.stat.etag, named


def _heads(bucket: Bucket, names: Iterable[str]) -> dict[str, Listed]:
    wanted = [key for key in names if len(key.encode()) <= keys.MAX_BYTES]
    stats = together(functools.partial(bucket.head, key) for key in wanted)
    return {key: Listed(key, stat.size, stat.etag) for key, stat in zip(wanted, stats, strict=True) if stat}


def _with_tags(bucket: Bucket, found: dict[str, Listed]) -> dict[str, Listed]:
    """The same, sorted, with the ETags of objects whose listing has none."""
    found |= _heads(bucket, [key for key, each in found.items() if not each.etag])
    return {key: found[key] for key in sorted(found, key=lambda key: not is_likely(key))}


def is_likely(key: str) -> bool:
    """Whether the last part of the key is that of a manifest, or begins like a rendition (`128x128`, `x600`)."""
    name = key.rpartition("/")[2]
    width, cross, _ = name.partition("x")
    return name == keys.MANIFEST or bool(cross and (not width or width.isdigit()))
