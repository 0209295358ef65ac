"""`engine.json`: where the engine of a data folder is, and what the stack in it is called."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "engine.json"


@dataclass(frozen=True, slots=True)
class Stack:
    """What a deployed stack, on the laptop or on AWS, calls its parts (the outputs of template.yaml)."""

    source_bucket: str
    output_bucket: str
    function: str
    state_machine: str  # ARN
    log_group: str
    api_url: str | None  # None when the API is off
    dead_letters: str | None = None  # URLs of queues; None for stacks of a version that does not tell them
    uploads: str | None = None  # None also without Trigger=queue
    backfill: str | None = None  # ARN of the workflow over a whole bucket
    backfill_bucket: str | None = None

    @classmethod
    def from_outputs(cls, outputs: dict[str, str]) -> Self:
        """Read CloudFormation's outputs. Raises KeyError for a stack that is not Tinypics."""
        return cls(
            source_bucket=outputs["SourceBucketName"],
            output_bucket=outputs["OutputBucketName"],
            function=outputs["FunctionName"],
            state_machine=outputs["StateMachineArn"],
            log_group=outputs["LogGroupName"],
            api_url=outputs.get("ApiUrl"),
            dead_letters=outputs.get("DeadLetterQueueUrl"),
            uploads=outputs.get("UploadQueueUrl"),
            backfill=outputs.get("BackfillArn"),
            backfill_bucket=outputs.get("BackfillBucketName"),
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """A running engine. `pid` is the engine's own; `parent` is the process that started it and holds it."""

    endpoint: str
    port: int
    region: str
    pid: int
    parent: int
    stack: Stack

    def write(self, data: Path) -> None:
        """Write `<data>/engine.json`, whole or not at all."""
        part = data / f".{_FILE}.part"
        part.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
        part.replace(data / _FILE)

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """What `<data>/engine.json` says, or None when there is none that can be read. It may be stale."""
        try:
            found: dict[str, Any] = json.loads((data / _FILE).read_text())
            return cls(**found | {"stack": Stack(**found["stack"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @staticmethod
    def forget(data: Path) -> None:
        """Remove `<data>/engine.json`."""
        (data / _FILE).unlink(missing_ok=True)
