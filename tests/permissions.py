"""Conditions of IAM statements, for the operators that the templates use (IAM user guide, "IAM JSON policy elements:
Condition operators")."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any


def applies(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether all conditions of a statement hold for a request with these condition keys."""
    return all(
        _holds(operator, context.get(key), wanted)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, value: str | None, wanted: str) -> bool:
    match operator:
        case "StringEquals":
            return value == wanted
        case "StringNotEquals":
            return value != wanted  # true also for a missing key
        case "ArnLike":
            return value is not None and fnmatch.fnmatchcase(value, wanted)
        case "Null":
            return (value is None) is (wanted == "true")
    raise NotImplementedError(operator)
