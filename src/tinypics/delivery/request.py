"""What one unit of work is, whatever event asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.delivery import keys
from tinypics.errors import InvalidRequest, LoopRefused
from tinypics.image.rendition import check_distinct
from tinypics.values import value

if TYPE_CHECKING:
    from tinypics.image.rendition import Rendition


@value
class Request:
    """Make `renditions` of one object. Cannot exist with fields that are not allowed: `InvalidRequest`, `LoopRefused`.

    `in_folder` says where outputs go: False, the one output has the source's key (or `dest_key`); True, each is
    `<key>/<rendition>.<extension>`, with a manifest. `prefix` stands before either. `version_id` None means the newest.

    `follows` is for events of a bucket that outputs shall agree with: the source as it is now counts, not as it was
    when the event was sent, and a source that is gone takes its outputs with it. `etag` is the one that the event
    named: outputs that were made from it are current, without another look at the source.
    """

    bucket: str
    key: str
    dest_bucket: str
    renditions: tuple[Rendition, ...]
    in_folder: bool = False
    prefix: str = ""
    dest_key: str | None = None
    version_id: str | None = None
    lenient: bool = False
    follows: bool = False
    etag: str | None = None

    def __post_init__(self) -> None:
        for field in ("bucket", "dest_bucket"):
            if not getattr(self, field):
                raise InvalidRequest.expected(field, "the name of a bucket", getattr(self, field))
        keys.check(self.key)
        if self.dest_key is not None:
            keys.check(self.dest_key, "dest_key")
            if self.in_folder:
                raise InvalidRequest.expected("dest_key", "nothing when there is a list of renditions", self.dest_key)
        if not self.renditions:
            raise InvalidRequest.expected("renditions", "at least one rendition", "none")
        if not self.in_folder and len(self.renditions) > 1:
            raise InvalidRequest.expected("renditions", "one rendition for one key", f"{len(self.renditions)}")
        check_distinct(self.renditions, "renditions")
        self._check_loop()

    @property
    def recipe(self) -> str:
        """All that is asked for, as 16 hexadecimal digits, so that a change of it shows."""
        return self.recipe_of(*self.renditions)

    def recipe_of(self, *renditions: Rendition) -> str:
        """The recipe of some of the renditions: of one, each output carries it."""
        text = ",".join(map(str, renditions)) + (",lenient" if self.lenient else "")
        return keys.digest(text)

    @property
    def place(self) -> str:
        """The key that the outputs' own keys are made of."""
        return self.dest_key or keys.check(self.prefix + self.key, "dest_key")

    def _check_loop(self) -> None:
        if self.bucket != self.dest_bucket:
            return
        if not self.prefix or self.dest_key is not None:
            raise LoopRefused(
                f"dest_bucket: expected another bucket than the source's ({self.bucket}), or an output prefix, "
                "because a thumbnail written there would start this work again"
            )
        if self.key.startswith(self.prefix):
            raise LoopRefused(f"key: expected one outside of the output prefix {self.prefix}, where outputs are")


@value
class Skip:
    """An event that asks for no work, and why."""

    reason: str
