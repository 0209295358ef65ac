"""Faults of single requests: they fail before or after their effect, or the effect comes later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.delivery.choices import Choices
from tinypics.errors import DeadlineExceeded, StoreUnavailable
from tinypics.store.objects import Conflict

WRITES = ("put", "delete")


class Killed(BaseException):
    """The worker's process has ended: this unwinds the thread that stands for it."""


ANSWERS = {"error": StoreUnavailable, "deadline": DeadlineExceeded, "conflict": Conflict, "kill": Killed}


@dataclass(frozen=True)
class Fault:
    """`effect` is when the request takes effect, `answer` the exception that the worker gets, or its end."""

    effect: Literal["never", "now", "later"]
    answer: str

    def __str__(self) -> str:
        return f"{self.answer}, effect {self.effect}"


@dataclass(frozen=True)
class Faults:
    """Kinds of faults, the most of all kinds in one schedule, and the chance of one at each request.

    `late`: writes take effect after another step. `passing`: errors, deadlines, and conflicts without a reason.
    """

    kills: bool = False
    passing: bool = False
    late: bool = False
    most: int = 0
    chance: float = 0.0

    def choose(self, choices: Choices, method: str, options: Mapping[str, Any]) -> Fault | None:
        """The fault of the next request, if any."""
        answers = ["error", "deadline"] if self.passing else []
        answers += ["kill"] if self.kills else []
        kinds = [Fault("never", answer) for answer in answers]
        if method in WRITES:
            kinds += [Fault("now", answer) for answer in answers]
            if self.late:
                kinds += [Fault("later", answer) for answer in answers]
            if self.passing and (method == "put" or options.get("etag") is not None):
                kinds += [Fault("never", "conflict"), Fault("now", "conflict")]
        if not kinds or not choices.happens(self.chance):
            return None
        return kinds[choices.below(len(kinds))]


NONE = Faults()
