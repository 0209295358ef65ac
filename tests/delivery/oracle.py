"""The right state of the output bucket: that of one worker without faults, of the final sources, in an empty bucket.

The oracle compares states. It knows neither the order of the requests nor their answers, except for answers that say
something about the source: that must have been true at some time of the invocation.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.delivery.choices import Choices
from tests.delivery.events import Invocation, Recipe
from tests.delivery.gate import in_turn
from tests.delivery.model import ModelBucket, Object, is_odd, md5, sha256
from tests.delivery.resizer import GOOD, LIMITS, resize_all
from tests.delivery.world import IN, OUT, World, address_request
from tinypics.delivery import keys, outputs, reconcile
from tinypics.delivery.outputs import Handling
from tinypics.delivery.request import Request
from tinypics.delivery.result import Gone, Result
from tinypics.errors import InvalidRequest, PermanentError, SourceNotFound, TransientError

State = Mapping[str, tuple[str, str]]
"""The objects of a bucket by key: their metadata and their content, without ETags of outputs and version ids."""


@dataclass(frozen=True)
class Finding:
    """`kind` has one of a few names; `detail` says more."""

    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@functools.lru_cache(8192)
def _manifest(data: bytes) -> Any:
    """The manifest, if it is one."""
    try:
        document = json.loads(data)
    except ValueError:
        return None
    return document if isinstance(document, dict) and isinstance(document.get("renditions"), list) else None


@functools.lru_cache(8192)
def _content(data: bytes) -> str:
    document = _manifest(data)
    if document is None:
        return data.decode(errors="replace")[:100]
    source = document["source"] | {"version_id": None}
    renditions = [item | {"etag": None} for item in document["renditions"]]
    return json.dumps(document | {"source": source, "renditions": renditions})


def _state(objects: Iterable[tuple[str, Object]]) -> State:
    return {key: (_facts(found.metadata), _content(found.data)) for key, found in objects}


def _facts(metadata: Mapping[str, str]) -> str:
    return str(sorted(item for item in metadata.items() if item[0] != outputs.CLAIM))


_CLEAN: dict[object, tuple[State, type[Exception] | None]] = {}


def clean(
    key: str, source: Object | None, recipe: Recipe, dest_key: str | None = None, *, served: bool = False
) -> State:
    """The outputs of one source. `served`: the one output that a visitor asks for."""
    return _clean_run(key, source, recipe, dest_key, served=served)[0]


def refusal(key: str, source: Object | None, recipe: Recipe, dest_key: str | None = None) -> type[Exception] | None:
    """The error that the source has in a clean run."""
    return _clean_run(key, source, recipe, dest_key)[1]


def _clean_run(
    key: str, source: Object | None, recipe: Recipe, dest_key: str | None, *, served: bool = False
) -> tuple[State, type[Exception] | None]:
    facts = (source.data, source.etag, outputs.RECIPE in source.metadata) if source else None
    known = (key, facts, recipe, dest_key, served)
    if known not in _CLEAN:
        if len(_CLEAN) > 20_000:
            _CLEAN.clear()
        _CLEAN[known] = _run_clean(key, source, recipe, dest_key, served=served)
    return _CLEAN[known]


def _run_clean(
    key: str, source: Object | None, recipe: Recipe, dest_key: str | None, *, served: bool
) -> tuple[State, type[Exception] | None]:
    buckets = {IN: ModelBucket(IN, objects={key: source} if source else {}), OUT: ModelBucket(OUT)}
    request = Request(
        IN, key, OUT, recipe.renditions, in_folder=recipe.in_folder, dest_key=dest_key, follows=dest_key is None
    )
    if served:
        request = address_request(key, recipe.renditions[0])
    refused: type[Exception] | None = None
    with in_turn(Choices()):
        try:
            outcome = reconcile.run(request, buckets.__getitem__, LIMITS, Handling(), resize_all)
        except PermanentError as error:
            refused = type(error)
        else:
            refused = SourceNotFound if isinstance(outcome, Gone) else None
    return _state(buckets[OUT].objects.items()), refused


# --- Readers


@functools.lru_cache(8192)
def _named(data: bytes) -> tuple[tuple[str, str, int, str], ...]:
    document = _manifest(data)
    if document is None:
        return ()
    return tuple((item["key"], item["etag"], item["bytes"], item["sha256"]) for item in document["renditions"])


def false_manifests(bucket: ModelBucket) -> list[Finding]:
    """Manifests that name an object that does not exist, or that is another one."""
    found = []
    for key, manifest in bucket.objects.items():
        if not key.endswith("manifest.json") or outputs.SOURCE not in manifest.metadata:
            continue
        for name, etag, size, digest in _named(manifest.data):
            there = bucket.objects.get(name)
            if there is None:
                found.append(Finding("reader: missing", f"{key} names {name}"))
            elif (there.etag, len(there.data), sha256(there.data)) != (etag, size, digest):
                found.append(Finding("reader: other object", f"{key} names {name}"))
    return found


# --- The end


def judge(world: World, foreign: Mapping[str, Object]) -> list[Finding]:
    """Differences between the final state and the right one, and false answers."""
    answers = [each for invocation in world.invocations for each in _judge_answer(world, invocation)]
    return judge_state(world, foreign) + answers + [Finding("no final outcome", each.name) for each in world.endless]


def judge_state(world: World, foreign: Mapping[str, Object]) -> list[Finding]:
    """Differences between the final state and the right one. `foreign` has the objects of others."""
    found = []
    owned: dict[str, dict[str, Object]] = {}
    placed: dict[str, Object] = {}
    demanded: set[str] = set()
    fingerprints = {keys.fingerprint(IN, key): key for key in world.history}
    for key, stored in world.output.objects.items():
        owner = fingerprints.get(stored.metadata.get(outputs.SOURCE, ""))
        if owner is None:
            if foreign.get(key) != stored:
                found.append(Finding("orphan", f"{key} of nobody"))
        elif outputs.PLACED in stored.metadata:
            placed[key] = stored
        elif outputs.ON_DEMAND in stored.metadata:
            demanded.add(key)
            found += _judge_on_demand(world, owner, key, stored)
        else:
            owned.setdefault(owner, {})[key] = stored
    ours: set[str] = {*placed, *demanded, *(key for each in owned.values() for key in each)}
    for key in world.history:
        found += _judge_source(world, key, owned.get(key, {}))
        ours |= _possible(world, key, placed=True)
    found += [
        Finding("foreign", f"{key} is gone") for key in foreign if key not in world.output.objects | dict.fromkeys(ours)
    ]
    return found + _judge_placed(world, placed)


def _judge_on_demand(world: World, owner: str, key: str, stored: Object) -> list[Finding]:
    source = world.source.objects.get(owner)
    if source is None:
        return [Finding("on demand: orphan", key)]
    if stored.metadata[outputs.SOURCE_ETAG] != source.etag:
        return [Finding("on demand: stale", key)]
    asked = {each.event.served for each in world.invocations if each.key == owner and each.event.served}
    right = [clean(owner, source, Recipe((rendition,), in_folder=False), served=True) for rendition in asked]
    return [] if _state([(key, stored)]) in right else [Finding("on demand: wrong", key)]


def _possible(world: World, key: str, *, placed: bool = False) -> set[str]:
    """Keys at which an output of the source may have been, with or without requested ones."""
    return {
        output
        for invocation in world.invocations
        if invocation.key == key and not invocation.event.served and (placed or invocation.event.dest_key is None)
        for _, source in world.history[key]
        for output in clean(key, source, invocation.recipe, invocation.event.dest_key)
    }


def _judge_source(world: World, key: str, there: Mapping[str, Object]) -> list[Finding]:
    source = world.source.objects.get(key)
    actual = _state(there.items())
    recipes = _recipes(world, key)
    states = [clean(key, source, recipe) for recipe in recipes]
    if any(key_set & _taken(world, key) for key_set in map(set, states)):
        states.append({})  # all or nothing: another source, or a request, may have had one of the keys first
    if not states or actual in states:
        return []
    best = min(
        states, key=lambda state: sum(actual.get(each) != state.get(each) for each in actual.keys() | state.keys())
    )
    found = [Finding("missing", each) for each in best if each not in actual]
    found += [Finding("wrong", each) for each in best if each in actual and actual[each] != best[each]]
    others = [clean(key, source, invocation.recipe) for invocation in world.invocations if invocation.key == key]
    for each in actual:
        if each not in best:
            left = any(state.get(each) == actual[each] for state in others)
            kind = "left by another recipe" if left else "orphan"
            found.append(Finding("left where the store cannot list" if _is_hidden(world, key, each) else kind, each))
    return found


def _is_hidden(world: World, key: str, output: str) -> bool:
    """Whether it is an output of another recipe, in a folder with an odd key: it stays, as docs/delivery.md says."""
    folder = f"{key}/"
    known = {each for recipe in _recipes(world, key) for each in clean(key, _GOOD, recipe)}
    odd = any(is_odd(each) for each in world.output.objects if each.startswith(folder))
    return odd and output.startswith(folder) and output not in known


def _taken(world: World, key: str) -> set[str]:
    """Keys that outputs of other sources, or requested ones, may have had."""
    others = {output for other in world.history if other != key for output in _possible(world, other)}
    return others | {each.event.dest_key for each in world.invocations if each.event.dest_key}


def _recipes(world: World, key: str) -> list[Recipe]:
    """The recipes that the outputs may have: of invocations that no later one has succeeded."""
    mine = [
        each
        for each in world.invocations
        if each.key == key and each.event.dest_key is None and each.event.served is None
    ]
    last = max((each.start for each in mine if _is_final(each)), default=0)
    # Events of sources that share a key with this one may have brought its outputs up to date, too.
    sharing = (f"{key}.", f"{key}/")
    others = [each for each in world.invocations if each.follows and each.key.startswith(sharing)]
    others = [each for each in others if not each.recipe.in_folder]
    return list(dict.fromkeys(each.recipe for each in (*mine, *others) if each.end >= last))


def _is_final(invocation: Invocation) -> bool:
    """Whether it says that the outputs agree with the source."""
    outcome = invocation.outcome
    if isinstance(outcome, BaseException):
        return invocation.follows and isinstance(outcome, PermanentError)
    return outcome is not None


def _judge_placed(world: World, placed: Mapping[str, Object]) -> list[Finding]:
    found = []
    asked: dict[str, list[Invocation]] = {}
    for invocation in world.invocations:
        if invocation.event.dest_key:
            asked.setdefault(invocation.event.dest_key, []).append(invocation)
    for key, invocations in asked.items():
        made = [each for each in invocations if isinstance(each.outcome, Result)]
        if key not in placed:
            if made:
                found.append(Finding("placed: missing", key))
            continue
        last = max((each.start for each in made), default=0)
        allowed = [
            clean(each.key, source, each.recipe, key)
            for each in invocations
            if each.end >= last
            for source in _sources(world, each)
        ]
        if _state([(key, placed[key])]) not in allowed:
            found.append(Finding("placed: wrong", key))
    return found


def _sources(world: World, invocation: Invocation) -> list[Object | None]:
    """The versions of the source during an invocation; the one that it names, if it names one."""
    if invocation.event.version_id:
        return [world.source.versions.get((invocation.key, invocation.event.version_id))]
    history = world.history.get(invocation.key, [(0, None)])
    before = [source for time, source in history if time <= invocation.start][-1:]
    return before + [source for time, source in history if invocation.start < time <= invocation.end]


_GOOD = Object(GOOD[0], md5(GOOD[0]), None, {})


def _clashes(world: World, invocation: Invocation) -> bool:
    """Whether another source, or a request, may have had one of the keys."""
    event = invocation.event
    # A broken source is refused for its key, too, because that is known first.
    versions = [_GOOD, *(source for _, source in world.history.get(event.key, []))]
    outputs_of = (clean(event.key, source, invocation.recipe, event.dest_key) for source in versions)
    taken = _taken(world, event.key) if event.dest_key is None else _all_managed(world)
    return any(taken.intersection(each) for each in outputs_of)


def _all_managed(world: World) -> set[str]:
    return {output for key in world.history for output in _possible(world, key)}


def _judge_answer(world: World, invocation: Invocation) -> list[Finding]:
    """An answer that was true at no time of the invocation."""
    outcome = invocation.outcome
    if outcome is None or isinstance(outcome, TransientError):
        return []
    sources, event = _sources(world, invocation), invocation.event
    told = f"{event.name}: {type(outcome).__name__} {outcome}"[:150]
    if isinstance(outcome, Result):
        # The outputs of the version that the event names may be current until its event is processed.
        told_of = outcome.source["etag"]
        right = told_of == event.etag or any(source and source.etag == told_of for source in sources)
    elif isinstance(outcome, Gone):
        right = None in sources
    elif isinstance(outcome, PermanentError):
        refusals = {refusal(event.key, source, invocation.recipe, event.dest_key) for source in sources}
        right = type(outcome) in refusals or (isinstance(outcome, InvalidRequest) and _clashes(world, invocation))
    else:
        return [Finding("unforeseen error", told)]
    found = [] if right else [Finding("false answer", told)]
    if not all(each.released for each in invocation.downloads):
        found.append(Finding("source not released", told))
    return found
