"""The names of the outputs of `tinypics resize --name`, like `{stem}-{width}.{ext}`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tinypics.errors import InvalidRequest
from tinypics.image.formats import BY_EXTENSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tinypics.image.results import Output

FIELDS = ("stem", "name", "rendition", "width", "height", "ext")
_FIELD = re.compile(r"\{(.*?)\}")
_OF_ONE_RENDITION = ("rendition", "width", "height")
_END = ".{ext}"
_ALLOWED = f"fields {', '.join(f'{{{field}}}' for field in FIELDS)}, and {_END} at the end"


def check(template: str, sources: Sequence[Path], renditions: int) -> None:
    """Raise InvalidRequest for a template that is wrong, or would give two outputs one name.

    `sources` are the paths of the sources below the output folder. Two of one stem need `{name}`: their formats, and
    so the outputs' extensions, are known only after decoding.
    """
    unknown = [field for field in _FIELD.findall(template) if field not in FIELDS]
    if unknown or not template.endswith(_END) or set("{}") & set(_FIELD.sub("", template)):
        raise InvalidRequest.expected("--name", _ALLOWED, template)
    if template.startswith("/") or ".." in PurePosixPath(template).parts or not template.isprintable():
        raise InvalidRequest.expected("--name", "a path below --out, without .. or control characters", template)
    if renditions > 1 and not any(f"{{{field}}}" in template for field in _OF_ONE_RENDITION):
        raise InvalidRequest.expected("--name", "{rendition}, {width} or {height}, for several renditions", template)
    if "{name}" in template:
        return
    if "{stem}" not in template and len(sources) > 1:
        raise InvalidRequest.expected("--name", "{stem} or {name}, for several files", template)
    seen: dict[Path, Path] = {}
    for source in sources:
        other = seen.setdefault(source.with_name(_stem(source)), source)
        if other != source:
            raise InvalidRequest.expected("--name", f"{{name}}, because {other} and {source} have one stem", template)


def _stem(source: Path) -> str:
    """The name without the extension of a picture. Other files beside a picture (IMG_1.MOV) keep theirs."""
    return source.stem if source.suffix[1:].lower() in BY_EXTENSION else source.name


def paths(template: str, folder: Path, source: Path, outputs: Sequence[Output]) -> list[Path]:
    """The path of each output. Raises InvalidRequest if two have the same."""
    found = []
    for output in outputs:
        path = folder / source.parent / template.format(**_facts(source, output))
        if path in found:
            raise InvalidRequest.expected("--name", f"{{rendition}}, because two outputs would be {path}", template)
        found.append(path)
    return found


def _facts(source: Path, output: Output) -> dict[str, object]:
    """The values of `FIELDS`."""
    return {
        "stem": _stem(source),
        "name": source.name,
        "rendition": output.rendition.label,
        "width": output.width,
        "height": output.height,
        "ext": output.extension,
    }
