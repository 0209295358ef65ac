"""Recipes, events and invocations of a schedule."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.delivery.model import Opened
from tinypics.delivery.result import Outcome
from tinypics.image.rendition import Rendition


@dataclass(frozen=True)
class Recipe:
    """The renditions of a stack, or of a direct event."""

    renditions: tuple[Rendition, ...]
    in_folder: bool

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """`16x16`, or a list in brackets."""
        names = text.strip("[]").split(",")
        return cls(tuple(map(Rendition.parse, names)), in_folder=text.startswith("["))

    def __str__(self) -> str:
        text = ",".join(map(str, self.renditions))
        return f"[{text}]" if self.in_folder else text


@dataclass
class Event:
    """A message that is redelivered while its outcome is a transient error.

    `served`: no message, but a visitor who asks for the address of this rendition, and does not retry.

    `recipe`, `dest_key` and `version_id` are those of a direct event. Without them, the recipe is the stack's at the
    time of the delivery.

    `ready` is the time from which on it can be delivered.
    """

    name: str
    key: str
    etag: str | None = None
    recipe: Recipe | None = None
    dest_key: str | None = None
    version_id: str | None = None
    served: Rendition | None = None
    deliveries: int = 0
    ready: int = 0
    size: int | None = None


@dataclass
class Invocation:
    """One delivery of an event, from its first to its last step. `outcome` None: it was killed."""

    event: Event
    recipe: Recipe
    start: int
    end: int = 0
    outcome: Outcome | BaseException | None = None
    downloads: list[Opened] = field(default_factory=list)
    seen: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """The last PUT of which it knows, by bucket, key and ETag."""
    listed: set[str] = field(default_factory=set)
    """The objects that it has seen since its last listing, by bucket and key. It compares a later HEAD with them."""

    @property
    def key(self) -> str:
        return self.event.key

    @property
    def follows(self) -> bool:
        return self.event.recipe is None and self.event.served is None
