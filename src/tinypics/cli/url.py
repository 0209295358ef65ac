"""`tinypics url`: addresses of outputs, with the version and the signature looked up in the stack."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import tinypics
from tinypics.cli.logs import parse_age
from tinypics.cli.target import readable_errors
from tinypics.cli.terminal import CommandFailed, Misused, err, out, plain
from tinypics.delivery import keys
from tinypics.errors import PermanentError
from tinypics.stack import deployed
from tinypics.urls.address import join, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinypics.aws.settings import Settings
    from tinypics.cli.target import Target


@readable_errors()
def url(
    target: Target,
    key: str,
    rendition: str | None,
    *,
    base: str | None,
    version: bool,
    sign: bool,
    expires: str | None,
) -> None:
    """Print the address of one output, or of each output that an upload of `key` makes."""
    if expires and not sign:
        raise Misused("--expires: expected with --sign, because only a signature ends")
    settings = deployed.settings(target.cloud, target.stack)
    base = base or base_of(target, settings)
    until = time.time() + parse_age(expires, "--expires") if expires else None
    etag = deployed.source_version(target.cloud, target.stack, key) if version else None
    secret = _secret(target) if sign else None
    try:
        if rendition is None and not settings.in_folder:
            out.print(stored(base, keys.single_output(keys.check(key), settings.renditions[0]), etag))
            return
        # The address of a listed rendition has its name, which the text of a size does not give.
        asked = None if rendition is None else settings.listed(rendition) or rendition
        for each in settings.renditions if asked is None else [asked]:
            out.print(tinypics.url(key, each, base=base, version=etag, secret=secret, expires=until))
        if not (asked is None or sign or settings.listed(name_of(key, asked).rpartition(".")[0])):
            hint = "its address needs --sign, unless DynamicRenditions lists it."
            err.print(f"Uploads make no {plain(asked)}: {hint}", style="yellow")
    except PermanentError as refused:
        raise CommandFailed(refused.message) from refused


def stored(base: str, key: str, etag: str | None = None) -> str:
    """The address of an output by its own key, which may be that of its source."""
    return join(base, key, {"v": etag[:8]} if etag else {})


def of_outputs(target: Target) -> Callable[[Mapping[str, Any]], list[str]] | None:
    """The function that lists the addresses of an answer's outputs; None if the stack serves none."""
    if not target.stack.cdn_url:
        return None
    settings = deployed.settings(target.cloud, target.stack)
    base, prefix = base_of(target, settings), settings.output_prefix

    def listed(answer: Mapping[str, Any]) -> list[str]:
        made = answer.get("renditions") or [answer]
        return [stored(base, each["dest_key"].removeprefix(prefix)) for each in made if "dest_key" in each]

    return listed


def base_of(target: Target, settings: Settings) -> str:
    """The prefix of addresses: the stack's parameter UrlBase, or the output of its CDN. Raises CommandFailed."""
    base = deployed.address_base(target.stack, settings)
    if not base:
        raise CommandFailed(
            "The stack has no addresses yet. Deploy it with Cdn=on and then cdn.yaml, with the stack's output "
            "CdnCommand; or choose the prefix with --base."
        )
    return base


def _secret(target: Target) -> str:
    """The keys of signatures. Raises CommandFailed without the stack's secret."""
    secret = deployed.signing_secret(target.cloud, target.stack)
    if secret is None:
        raise CommandFailed(
            "The stack has no secret for signatures: deploy it with Dynamic=signed, then cdn.yaml with its output "
            "CdnCommand."
        )
    return secret
