"""The layout of one output that is made when it is asked for: below the source's key, without a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tinypics.delivery import keys
from tinypics.delivery.layouts import SingleLayout
from tinypics.delivery.outputs import ON_DEMAND
from tinypics.errors import InvalidRequest, SourceChanged
from tinypics.image.comment import with_comment
from tinypics.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinypics.delivery.outputs import ExistingOutputs, Handling, NewOutputs
    from tinypics.delivery.request import Request
    from tinypics.store.bucket import Bucket

MAX_OUTPUTS: Final = 500
"""Objects below one source. One listing of S3 has 1,000, so that an event always sees all outputs of its source."""


class OnDemandLayout(SingleLayout):
    """One output with a given name. It leaves all that an upload's event has written alone."""

    def __init__(self, request: Request, bucket: Bucket, handling: Handling) -> None:
        super().__init__(request, bucket, handling)
        self.marker = keys.check(f"{request.base_key}/{request.on_demand}", "dest_key")
        self.output_keys = (self.marker,)
        self._is_uploads = False

    def look(self) -> ExistingOutputs:
        stat = self.bucket.head(self.marker)
        self._is_uploads = stat is not None and self._is_ours(stat) and ON_DEMAND not in stat.metadata
        return self._existing(stat)

    def write(self, new: NewOutputs, existing: ExistingOutputs) -> ExistingOutputs:
        """The output has a comment, and so an ETag of its own: `If-Match` is then never true of an upload's output.

        Without it, an upload's output of another version that gives the same bytes could be replaced.
        """
        if self._is_uploads:  # a manifest may name it
            raise SourceChanged(f'an event is about to replace "{self.marker}", which is of another version')
        if (found := len(self._etags())) > MAX_OUTPUTS:
            raise InvalidRequest.expected("renditions", f"at most {MAX_OUTPUTS} of one source", found)
        (output,) = new.outputs
        mark = keys.digest(f"{new.source['etag']} {self.request.recipe}").encode()
        output = replace(output, data=with_comment(output.data, output.format, mark))
        return super().write(replace(new, outputs=(output,)), existing)

    def clean(self, existing: ExistingOutputs) -> bool:  # noqa: ARG002 - the layout of the uploads does it
        return False

    def owned(self, existing: ExistingOutputs) -> Mapping[str, str]:  # noqa: ARG002 - it may have changed since
        stat = self.bucket.head(self.marker)
        return self._ours({self.marker: stat} if stat and ON_DEMAND in stat.metadata else {})

    def heirs(self) -> list[str]:
        return []
