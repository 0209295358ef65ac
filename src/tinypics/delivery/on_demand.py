"""The layout of one output that is made when it is asked for: below the source's key, without a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinypics.delivery import keys
from tinypics.delivery.layouts import SingleLayout
from tinypics.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.delivery.outputs import ExistingOutputs, Handling, NewOutputs
    from tinypics.delivery.request import Request
    from tinypics.store.bucket import Bucket

MAX_OUTPUTS: Final = 500
"""Objects below one source. One listing of S3 has 1,000, so that an event always sees all outputs of its source."""


class OnDemandLayout(SingleLayout):
    """One output with a given name. It leaves the other outputs of the source alone."""

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        super().__init__(request, bucket, handling)
        self.marker = keys.check(f"{request.base_key}/{request.name}", "dest_key")
        self.output_keys = (self.marker,)

    def write(self, new: NewOutputs, existing: ExistingOutputs) -> ExistingOutputs:
        if self.request.on_demand and (found := len(self._etags())) > MAX_OUTPUTS:
            raise InvalidRequest.expected("renditions", f"at most {MAX_OUTPUTS} of one source", found)
        return super().write(new, existing)

    def clean(self, existing: ExistingOutputs) -> bool:  # noqa: ARG002 - the layout of the uploads does it
        return False

    def owned(self, existing: ExistingOutputs) -> Mapping[str, str]:  # noqa: ARG002 - it may have changed since
        stat = self.bucket.head(self.marker)
        return self._ours({self.marker: stat} if stat else {})

    def heirs(self) -> list[str]:
        return []
