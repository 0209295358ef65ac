"""Random scenarios: the steps of users, the recipes, and the properties of the buckets."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.delivery.choices import Choices
from tests.delivery.events import Event, Recipe
from tests.delivery.faults import Faults
from tests.delivery.model import ModelBucket
from tests.delivery.resizer import CORRUPT, GOOD, LARGE
from tests.delivery.world import IN, OUT, Step, World
from tinypics.image.rendition import Rendition

KEYS = ("a.jpg", "noext", "a.jpg/b.png", "c.heic")
SHARED = ("a.png", "a.png.jpg", "a.png/manifest.json", "a.png/16x16.png")
"""Sources whose outputs may have the same keys."""
SERVED = tuple(map(Rendition.parse, ("16x16", "8x8", "4x4-webp", "2x2")))
"""Renditions that visitors ask for: of a list, or of none."""
REFUSED = (CORRUPT, b"", LARGE, b"jpeg output")
SINGLE = tuple(map(Recipe.parse, ("16x16", "16x16-webp", "16x16-jpeg")))
LISTS = tuple(map(Recipe.parse, ("[16x16,8x8]", "[16x16,4x4-webp]", "[hero=16x16,8x8]", "[hero=8x8]")))
RECIPES = (*SINGLE, *LISTS)
NEIGHBOURS = (
    ("{}//odd", b"odd"),
    ("{}/manifest.json", bytes(5 * 2**20)),
    ("{}/manifest.json", b"{}"),
    ("{}/notes.txt", b"notes"),
    ("{}/./\x01", b"odd"),
    ("{}", b"a picture of before"),
)
"""Objects of others, by the key of a source."""


@dataclass(frozen=True)
class Setup:
    """The things that may happen, beside uploads, overwrites and deletes of several keys by several workers."""

    kills: bool = False
    passing: bool = False
    late: bool = False
    recipes: bool = False
    placed: bool = False
    versions: bool = False
    refused: bool = False
    neighbours: bool = False
    shared: bool = False
    served: bool = False


SETUPS = {
    "calm": Setup(),
    "kills": Setup(kills=True),
    "faults": Setup(passing=True),
    "recipes": Setup(recipes=True),
    "placed": Setup(placed=True),
    "late": Setup(late=True, passing=True, kills=True),
    "versions": Setup(versions=True),
    "refused": Setup(refused=True),
    "neighbours": Setup(neighbours=True, refused=True),
    "shared": Setup(shared=True, placed=True),
    "served": Setup(served=True, refused=True),
    "served kills": Setup(served=True, kills=True, passing=True, versions=True),
    "everything": Setup(
        kills=True, passing=True, recipes=True, placed=True, versions=True, refused=True, neighbours=True, shared=True
    ),
}


def world_of(setup: Setup, choices: Choices, *, conditional_deletes: bool) -> World:
    """A world with a random script."""
    keys = SHARED if setup.shared and choices.happens(0.7) else KEYS
    names = [keys[choices.below(len(keys))] for _ in range(1 + choices.below(3, first=0.6))]
    recipe = RECIPES[choices.below(len(RECIPES))]
    script = [
        step for _ in range(2 + choices.below(5)) for step in _steps(setup, choices, names[choices.below(len(names))])
    ]
    unique = choices.happens(0.3)
    chance = (0.02, 0.06, 0.15)[choices.below(3)]
    most = 1 + choices.below(4) if setup.kills or setup.passing else 0
    world = World(
        choices,
        ModelBucket(IN, unique=unique, versioned=setup.versions),
        ModelBucket(OUT, unique=unique),
        recipe,
        workers=1 + choices.below(3),
        stay=(0.9, 0.75, 0.5, 0.3)[choices.below(4)],
        faults=Faults(kills=setup.kills, passing=setup.passing, late=setup.late, most=most, chance=chance),
        conditional_deletes=conditional_deletes,
    )
    world.script = script
    if setup.neighbours:
        _plant(world.output, names, choices)
    return world


def _steps(setup: Setup, choices: Choices, key: str) -> list[Step]:
    """A change of one source, and perhaps a step before it."""
    steps: list[Step] = []
    if setup.recipes and choices.happens(0.3):
        recipe = RECIPES[choices.below(len(RECIPES))]
        steps.append(ask(key, recipe) if choices.happens(0.3) else deploy(recipe))
    if setup.placed and choices.happens(0.4):
        dest_key = f"{key}.jpg" if setup.shared and choices.happens(0.5) else "mine/thumb.jpg"
        old = setup.versions and choices.happens(0.5)
        steps.append(ask(key, SINGLE[choices.below(2)], dest_key, one_version=old))
    if setup.served and choices.happens(0.7):
        steps += [serve(key, SERVED[choices.below(len(SERVED))]) for _ in range(1 + choices.below(2))]
    copies = 1 + choices.below(2, first=0.75)
    if choices.happens(0.2):
        return [*steps, delete(key, copies=copies)]
    contents = REFUSED if setup.refused and choices.happens(0.3) else GOOD
    data = contents[choices.below(len(contents))]
    told = {"with_etag": not choices.happens(0.25), "with_size": not choices.happens(0.5)}
    return [*steps, upload(key, data, copies=copies, **told)]


def upload(key: str, data: bytes, **options: Any) -> Step:
    """`options` are those of `World.upload`."""
    change = functools.partial(World.upload, key=key, data=data, **options)
    return f"uploads {key}: {data[:20]!r}", change


def delete(key: str, *, copies: int = 1) -> Step:
    return f"deletes {key}", functools.partial(World.delete, key=key, copies=copies)


def deploy(recipe: Recipe) -> Step:
    def change(world: World) -> None:
        world.recipe = recipe

    return f"deploys {recipe}", change


def ask(key: str, recipe: Recipe, dest_key: str | None = None, *, one_version: bool = False) -> Step:
    """A direct event, for a `dest_key` or for one version if asked."""

    def change(world: World) -> None:
        there = world.source.objects.get(key)
        version_id = there.version_id if there and one_version else None
        world.deliver(Event(f"{key} asked", key, None, recipe, dest_key, version_id))

    return f"asks for {recipe} of {key}" + (f" at {dest_key}" if dest_key else ""), change


def serve(key: str, rendition: Rendition) -> Step:
    """A visitor asks for the address of an output."""
    event = Event(f"{key} served {rendition}", key, served=rendition)
    return f"asks for the address of {rendition} of {key}", lambda world: world.deliver(event)


def _plant(bucket: ModelBucket, names: Sequence[str], choices: Choices) -> None:
    for name in names:
        for key, data in NEIGHBOURS:
            if choices.happens(0.3):
                bucket.store(key.format(name), data, {})
