"""Where Tinypics comes from, and the command that installs it with an extra.

There is no package index with Tinypics: a name there would be that of anyone who registers it first.
"""

from __future__ import annotations

from typing import Final

REPOSITORY: Final = "https://forge.example/tinypics/tinypics"
"""The public address of the repository. `.example` is reserved (RFC 2606), so nobody else can publish there."""


def command(extra: str) -> str:
    """The shell command that adds an extra to this installation, from the same source."""
    return f'pip install "tinypics[{extra}] @ {_source()}"'


def _source() -> str:
    """The URL that pip recorded for this installation (PEP 610): a fork, a clone or a wheel; if none, `REPOSITORY`."""
    import json
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        recorded = distribution("tinypics").read_text("direct_url.json")
    except PackageNotFoundError:
        recorded = None
    if not recorded:
        return f"git+{REPOSITORY}"
    origin = json.loads(recorded)
    repository = origin.get("vcs_info")
    if not repository:
        return str(origin["url"])
    revision = repository.get("requested_revision")
    return f"{repository['vcs']}+{origin['url']}" + (f"@{revision}" if revision else "")
