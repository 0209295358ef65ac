"""The output that an address asks for, and the requests that make it."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from tinypics.delivery import keys
from tinypics.delivery.request import Request
from tinypics.errors import InvalidRequest, SourceNotFound
from tinypics.image.formats import BY_EXTENSION, FORMATS
from tinypics.image.rendition import Rendition
from tinypics.urls.address import AUTO_FORMATS, Address, decoded, name_of
from tinypics.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinypics.aws.serve_settings import ServeSettings


@value
class Wanted:
    """One output. `requests` make it: the first one whose source exists.

    `listed`: it may be made without a signature. `varies`: the answer depends on the header `Accept`.
    """

    requests: tuple[Request, ...]
    key: str
    """The key of the output in its bucket."""
    name: str
    """The last part of the address, for logs."""
    listed: bool
    varies: bool = False
    address: Address | None = None


def resolve(path: str, query: str, *, encoded: bool, accept: str, settings: ServeSettings) -> Wanted:
    """The output that an address asks for.

    :raises InvalidRequest: the address has another form, its label is no rendition, or its extension another format.
    :raises SourceNotFound: the stack does not watch such keys.
    """
    try:
        address = Address.parse(path, query, encoded=encoded)
        rendition = settings.renditions.get(address.label) or Rendition.parse(address.label)
    except InvalidRequest:
        single = _of_single_output(decoded(path, encoded=encoded), settings)
        if single is None:
            raise
        return single
    return _below_source(address, rendition, accept, settings)


def _below_source(address: Address, rendition: Rendition, accept: str, settings: ServeSettings) -> Wanted:
    """The output with the key `KEY/RENDITION.EXT`."""
    own = name_of(address.key, rendition).rpartition(".")[2]
    extension = address.extension
    varies = extension == keys.AUTO != own
    if varies:
        extension = _accepted(accept, settings) or keys.AUTO
    made = rendition
    if extension != own:
        if rendition.format not in (None, keys.AUTO):
            raise InvalidRequest.expected("address", f"the extension .{own} with this format", address.name)
        made = replace(rendition, format=_format(extension, address.key))
    if not _is_watched(address.key, settings):
        raise SourceNotFound(f"there is no picture here whose key does not start with {settings.stack.prefix}")
    name = f"{address.label}.{extension}"
    request = _request(settings)(key=address.key, renditions=(made,), on_demand=name)
    return Wanted(
        requests=(request,),
        key=keys.check(f"{request.base_key}/{name}"),
        name=name,
        listed=address.label in settings.renditions and extension in (own, keys.AUTO, *settings.auto_formats),
        varies=varies,
        address=address,
    )


def _accepted(accept: str, settings: ServeSettings) -> str | None:
    """The extension of the best format that the header names; None if it names none."""
    parts = (part.partition(";") for part in accept.replace(" ", "").lower().split(","))
    accepted = {kind for kind, _, weight in parts if not re.fullmatch(r"q=0(\.0*)?", weight)}
    types = ((extension, FORMATS[BY_EXTENSION[extension]].content_type) for extension in settings.auto_formats)
    return next((extension for extension, content_type in types if content_type in accepted), None)


def _format(extension: str, key: str) -> str | None:
    """The format that an extension asks for. `.auto` keeps the source's, unless a client must name it in `Accept`."""
    if extension != keys.AUTO:
        return BY_EXTENSION[extension]
    return "png" if keys.format_by_name(key) in AUTO_FORMATS else None


def _of_single_output(key: str, settings: ServeSettings) -> Wanted | None:
    """The output of an upload in a stack of one rendition, whose key is that of its source."""
    if settings.stack.in_folder or key.rpartition("/")[2] == keys.MANIFEST:
        return None
    (rendition,) = settings.stack.renditions
    prefix = settings.stack.output_prefix
    sources = [
        each
        for each in keys.possible_sources(key)
        if keys.single_output(prefix + each, rendition) == prefix + key and _is_watched(each, settings)
    ]
    if not sources:
        return None
    requests = tuple(_request(settings)(key=each, renditions=(rendition,)) for each in sources)
    return Wanted(requests, prefix + key, key.rpartition("/")[2], listed=True)


def _is_watched(key: str, settings: ServeSettings) -> bool:
    """Whether uploads with this key start anything. Outputs of others would stay when their source is overwritten."""
    return key.startswith(settings.stack.prefix)


def _request(settings: ServeSettings) -> Callable[..., Request]:
    """Requests with the buckets of the stack: an address names none."""
    return functools.partial(
        Request,
        bucket=settings.source_bucket,
        dest_bucket=settings.output_bucket,
        prefix=settings.stack.output_prefix,
    )
