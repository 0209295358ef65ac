"""The graph of a workflow's definition: its states in rows, and the transitions between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Edge(NamedTuple):
    """A transition between two states. `kind`: next, choice, default or catch."""

    start: str
    end: str
    kind: str
    label: str


def draw(definition: dict[str, Any]) -> dict[str, Any]:
    """`nodes` (name, type, comment, row, column) and `edges` (start, end, kind, label).

    A state's row is the length of the longest path to it, so that arrows point down. The first column has the usual
    path.
    """
    states: dict[str, dict[str, Any]] = definition["States"]
    edges = [edge for name in states for edge in _edges(name, states[name])]
    rows = _rows(definition["StartAt"], states, edges)
    places = {name: place for members in _members(rows, edges) for place, name in enumerate(members)}
    nodes = [
        {
            "name": name,
            "type": state["Type"],
            "comment": state.get("Comment", ""),
            "row": rows[name],
            "column": places[name],
        }
        for name, state in states.items()
        if name in rows
    ]
    return {"nodes": nodes, "edges": [edge._asdict() for edge in edges if edge.start in rows]}


def _edges(name: str, state: dict[str, Any]) -> Iterator[Edge]:
    """The edges of a state, the usual transition first."""
    if "Next" in state:
        yield Edge(name, state["Next"], "next", "")
    for choice in state.get("Choices", []):
        yield Edge(name, choice["Next"], "choice", _condition(choice))
    if "Default" in state:
        yield Edge(name, state["Default"], "default", "otherwise")
    for rule in state.get("Catch", []):
        yield Edge(name, rule["Next"], "catch", ", ".join(rule["ErrorEquals"]))


def _condition(choice: dict[str, Any]) -> str:
    """`$.status = SUCCESS` for a comparison with a value; only the variable's name for other rules."""
    if "Condition" in choice:  # JSONata
        return str(choice["Condition"])
    for operator in ("StringEquals", "NumericEquals", "BooleanEquals"):
        if operator in choice:
            return f"{choice.get('Variable', '')} = {choice[operator]}"
    return next((key for key in choice if key not in ("Variable", "Next", "Comment")), "")


def _rows(start: str, states: dict[str, Any], edges: list[Edge]) -> dict[str, int]:
    """The length of the longest path from `start` to each reachable state, without the back edges of loops."""
    rows: dict[str, int] = {}

    def visit(name: str, row: int, above: frozenset[str]) -> None:
        if name in above or name not in states or rows.get(name, -1) >= row:
            return
        rows[name] = row
        for edge in edges:
            if edge.start == name:
                visit(edge.end, row + 1, above | {name})

    visit(start, 0, frozenset())
    return rows


def _members(rows: dict[str, int], edges: list[Edge]) -> list[list[str]]:
    """The states of each row from left to right: below their predecessors, the usual path first."""
    found: list[list[str]] = []
    column: dict[str, float] = {}
    for row in range(max(rows.values(), default=-1) + 1):
        wanted: dict[str, float] = {}
        for order, edge in enumerate(edges):
            if rows.get(edge.end) == row and edge.start in column:
                wanted.setdefault(edge.end, column[edge.start] + order / (len(edges) + 1))
        members = sorted((name for name in rows if rows[name] == row), key=lambda name: wanted.get(name, 0.0))
        column |= {name: float(place) for place, name in enumerate(members)}
        found.append(members)
    return found
