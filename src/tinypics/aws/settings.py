"""What the function's environment says, read and checked once, when the module that holds the handler is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinypics.errors import InvalidRequest
from tinypics.limits import Limits
from tinypics.rendition import Rendition

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTPUT_BUCKET = "TINYPICS_OUTPUT_BUCKET"
RENDITIONS = "TINYPICS_RENDITIONS"
STATE_MACHINE = "TINYPICS_STATE_MACHINE"
API_URL = "TINYPICS_API_URL"
MEMORY_MB = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # set by Lambda itself

# What is left for one picture after the interpreter, the store client and the copy of the source.
_PICTURE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults for what an event leaves out, and the limits of this function.

    `renditions` holds what an upload becomes; with `in_folder` each goes below the source's key (several renditions,
    or a named one), else the only one has the source's key.
    """

    output_bucket: str | None = None
    renditions: tuple[Rendition, ...] = (Rendition(width=128, height=128),)
    in_folder: bool = False
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Raises InvalidRequest that names the variable and the part of it that is not allowed."""
        settings = cls(output_bucket=environment.get(OUTPUT_BUCKET) or None)
        renditions = settings.renditions
        if text := environment.get(RENDITIONS):
            try:
                renditions = tuple(Rendition.parse(part.strip()) for part in text.split(","))
            except InvalidRequest as error:
                raise InvalidRequest(f"{RENDITIONS}: {error}") from error
        limits = settings.limits
        if megabytes := environment.get(MEMORY_MB):
            limits = Limits(memory=int(int(megabytes) * 2**20 * _PICTURE_SHARE))
        return cls(
            output_bucket=settings.output_bucket,
            renditions=renditions,
            in_folder=len(renditions) > 1 or renditions[0].name is not None,
            limits=limits,
        )
