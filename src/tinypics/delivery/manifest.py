"""The manifest: a list of the complete outputs of a source, and HTML that shows them. It is written last."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tinypics.delivery.keys import in_address
from tinypics.image.formats import FORMATS, OUTPUTS
from tinypics.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinypics.image.results import Output

VERSION = 1
_FALLBACKS = ("jpeg", "png", "gif")  # every browser shows them
MAX_BYTES = 4 * 2**20  # ten times that of fifty renditions with the longest keys


@value
class StoredOutput:
    """One stored output."""

    rendition: str
    key: str
    width: int
    height: int
    format: str
    bytes: int
    etag: str
    sha256: str = ""
    dropped: tuple[str, ...] = ()


@value
class Manifest:
    """The content of a manifest.

    An incomplete one has no outputs. Its `claim` tells which invocation is writing them, and `keys` those of all
    outputs that may exist, of this recipe and of the one before. `kept` has the ETags of those that are not written
    again, by key.
    """

    source: Mapping[str, Any]
    recipe: str
    outputs: tuple[StoredOutput, ...] = ()
    placeholder: Mapping[str, str] = MappingProxyType({})
    claim: str = ""
    keys: tuple[str, ...] = ()
    kept: Mapping[str, str] = MappingProxyType({})

    def to_json(self, url_base: str = "", sizes: str = "", prefix: str = "") -> bytes:
        """The JSON document. In its markup, `url_base` replaces the `prefix` of keys; without it, URLs are relative.

        `sizes` is the attribute for the width of the picture on the page; empty: the width of the widest output.
        """
        srcset: Mapping[str, str] = {}
        picture = ""
        notes: list[str] = []
        if self.outputs:
            srcset, picture = markup(self.outputs, self.source, self.placeholder["colour"], url_base, sizes, prefix)
            notes = markup_notes(self.outputs, self.source, url_base, sizes)
        document = {
            "version": VERSION,
            "complete": bool(self.outputs),
            "source": dict(self.source),
            "recipe": self.recipe,
            "renditions": [vars(output) for output in self.outputs],
            "placeholder": dict(self.placeholder),
            "srcset": srcset,
            "picture": picture,
            "notes": notes,
        }
        if not self.outputs:
            document |= {"claim": self.claim, "keys": list(self.keys), "kept": dict(self.kept)}
        return json.dumps(document, indent=2, ensure_ascii=False).encode()

    @property
    def all_keys(self) -> tuple[str, ...]:
        """The keys of all outputs that may exist."""
        return (*self.keys, *(output.key for output in self.outputs))

    @classmethod
    def from_json(cls, data: bytes) -> Manifest | None:
        """Parse a manifest. None if `data` is not valid, or of another version: it is then written again."""
        try:
            document = json.loads(data)
            if document["version"] != VERSION:
                return None
            outputs = tuple(
                StoredOutput(**{**item, "dropped": tuple(item.get("dropped", ()))}) for item in document["renditions"]
            )
            rest = document["placeholder"], document.get("claim", ""), tuple(document.get("keys", ()))
            found = cls(document["source"], document["recipe"], outputs, *rest, document.get("kept", {}))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return found if _is_valid(found) else None


_SOURCE = {"etag": str, "width": int, "height": int, "format": str, "bytes": int}
_OUTPUT = {"rendition": str, "key": str, "width": int, "height": int, "format": str, "bytes": int, "etag": str}


def _is_valid(manifest: Manifest) -> bool:
    """Whether all fields have the right types. A manifest that anybody may have edited must not stop its reader."""
    return (
        isinstance(manifest.recipe, str)
        and all(isinstance(text, str) for text in (manifest.claim, *manifest.keys))
        and isinstance(manifest.kept, dict)
        and all(isinstance(etag, str) for etag in manifest.kept.values())
        and _has(manifest.source, _SOURCE)
        and all(_has(vars(output), _OUTPUT) and output.format in OUTPUTS for output in manifest.outputs)
        and _has(manifest.placeholder, {"data_uri": str, "colour": str})
    )


def _has(found: object, fields: Mapping[str, type]) -> bool:
    return isinstance(found, dict) and all(isinstance(found.get(name), kind) for name, kind in fields.items())


def placeholder(output: Output) -> dict[str, str]:
    """The output of `PLACEHOLDER` as a `data:` URI, and the picture's dominant colour as `#rrggbb`."""
    import base64  # only manifests need it, so a cold start does not load it

    if output.colour is None:
        raise ValueError("the placeholder has no colour: another resizer than ours made it")
    uri = f"data:{output.content_type};base64,{base64.b64encode(output.data).decode()}"
    return {"data_uri": uri, "colour": output.colour}


def markup(
    stored: Sequence[StoredOutput],
    source: Mapping[str, Any],
    colour: str,
    url_base: str,
    sizes: str = "",
    prefix: str = "",
) -> tuple[dict[str, str], str]:
    """`srcset` by content type and a `<picture>` element, of the outputs that show the whole picture.

    Crops of another aspect ratio are left out, because a browser would swap one for the other. If all outputs are
    crops, those with the aspect ratio of the first are used.
    """
    from tinypics.delivery import html  # like `base64` above

    whole = _shown(stored, source)
    unneeded = prefix if url_base else ""
    shown = [
        html.Candidate(url_base + in_address(item.key.removeprefix(unneeded)), item.width, item.height, item.format)
        for item in whole
    ]
    srcset = {FORMATS[name].content_type: urls for name, urls in html.srcset(shown).items()}
    style = {"alt": "", "loading": "lazy", "decoding": "async", "style": f"background:{colour}"}
    return srcset, html.picture(shown, sizes, style)


def markup_notes(
    stored: Sequence[StoredOutput], source: Mapping[str, Any], url_base: str, sizes: str = ""
) -> list[str]:
    """Sentences for the author of a page: each thing that the markup lacks or assumes, and why."""
    whole = _shown(stored, source)
    widest = max(whole, key=lambda item: item.width)
    notes = ["alt is empty: describe the picture in it."]
    notes += [
        f"{item.rendition} is left out: the others have another aspect ratio than its {item.width}x{item.height}."
        for item in stored
        if item not in whole
    ]
    if not any(item.format in _FALLBACKS for item in whole):
        height = "" if _is_whole(widest, source) else widest.height
        example = f"{widest.width}x{height}-jpeg"
        notes.append(f"There is no JPEG or PNG for browsers without the other formats: add a rendition like {example}.")
    if not sizes and len({item.width for item in whole}) > 1:
        notes.append(
            f"sizes assumes {widest.width}px, the widest output: set the parameter Sizes to the width on your page."
        )
    if not url_base:
        notes.append("Addresses are relative: for a page on another site, set the parameter UrlBase.")
    return notes


def _is_whole(output: StoredOutput, source: Mapping[str, Any]) -> bool:
    from tinypics.delivery import html

    return html.same_shape((source["width"], source["height"]), (output.width, output.height))


def _shown(stored: Sequence[StoredOutput], source: Mapping[str, Any]) -> list[StoredOutput]:
    """The outputs of the picture's shape; if there is none, those of the first one's."""
    from tinypics.delivery import html

    shapes = (source["width"], source["height"]), (stored[0].width, stored[0].height)
    by_shape = ([item for item in stored if html.same_shape(each, (item.width, item.height))] for each in shapes)
    return next(filter(None, by_shape))
