"""One unit of work, independent of the event that caused it."""

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
    """Make `renditions` of one object. Invalid fields raise `InvalidRequest` or `LoopRefused`.

    `in_folder` chooses the layout: False, the single output has the source's key (or `dest_key`); True, each output is
    `<key>/<rendition>.<extension>`, with a manifest. `prefix` is prepended to either. `version_id` None: the newest.

    With `on_demand`, the single output is `<key>/<on_demand>`, beside those of a list and without a manifest. It may be
    removed at any time, and is made again when it is asked for.

    `follows` is set for events of a watched bucket: the outputs follow the source as it is now, not as it was when the
    event was sent, and are deleted with it. `etag` is the event's: outputs of that version are current, so the source
    need not be read. `size`, in bytes, is that of an object which was just uploaded: most likely it has no outputs, so
    it is read and resized while they are looked at.
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
    size: int | None = None
    on_demand: str | None = None

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
        """A hash of all renditions and options, which changes with any of them: 16 hexadecimal digits."""
        return self.recipe_of(*self.renditions)

    def recipe_of(self, *renditions: Rendition) -> str:
        """The recipe of some renditions. The metadata of each output has the recipe of its own rendition."""
        text = ",".join(map(str, renditions)) + (",lenient" if self.lenient else "")
        return keys.digest(text)

    @property
    def base_key(self) -> str:
        """The key from which the outputs' keys are derived."""
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
    """An event that needs no work, and the reason."""

    reason: str
