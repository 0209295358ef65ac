"""Random schedules with a real emulator's S3, which must give the same answers as the model."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from obstore.store import S3Store

from tests.delivery.choices import Choices
from tests.delivery.model import ModelBucket, Object
from tests.delivery.scenario import SETUPS, world_of
from tests.delivery.schedules import is_avoidable, run
from tests.delivery.world import IN, OUT
from tinypics.errors import TinypicsError
from tinypics.store.bucket import Bucket
from tinypics.store.download import Download
from tinypics.store.objects import Conflict, Listed, Stat, UnsupportedKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.local_stack import LocalStack

pytestmark = pytest.mark.e2e


class Compared(ModelBucket):
    """A bucket that sends each request to S3, too, and compares the answers."""

    def __init__(self, name: str, real: Bucket) -> None:
        super().__init__(name)
        self._real = real

    def _both(self, method: str, *arguments: Any, **options: Any) -> Any:
        mine = _answer(getattr(super(), method), *arguments, **options)
        theirs = _answer(getattr(self._real, method), *arguments, **options)
        assert _comparable(mine) == _comparable(theirs), (method, arguments[0], mine, theirs)
        if isinstance(mine, Exception):
            raise mine
        return mine

    def open(self, key: str, **options: Any) -> Any:
        return self._both("open", key, **options)

    def head(self, key: str, **options: Any) -> Any:
        return self._both("head", key, **options)

    def put(self, key: str, data: bytes, **options: Any) -> Any:
        return self._both("put", key, data, **options)

    def delete(self, key: str, **options: Any) -> None:
        self._both("delete", key, **options)

    def from_key(self, key: str) -> Any:
        return self._both("from_key", key)

    def store(self, key: str, data: bytes, attributes: Mapping[str, str]) -> Object:
        """Of a user: S3 has no other PUT than a conditional one here."""
        there = self._real.head(key)
        self._real.put(key, data, attributes=attributes, replaces=there.etag if there else None)
        return super().store(key, data, attributes)


def _answer(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    try:
        return call(*arguments, **options)
    except (Conflict, TinypicsError, UnsupportedKey) as error:
        return error


def _comparable(answer: Any) -> object:
    """The parts of an answer that the protocol uses."""
    if isinstance(answer, Exception):
        return type(answer)
    if isinstance(answer, Stat):
        return answer.etag, answer.size, {name: text for name, text in answer.metadata.items() if "tinypics" in name}
    if isinstance(answer, Download):
        return _comparable(answer.stat), answer.read_all()
    if isinstance(answer, list):
        return [(each.key, each.size, each.etag) if isinstance(each, Listed) else each for each in answer]
    return answer


@pytest.mark.parametrize("setup", ["calm", "faults", "recipes", "refused", "shared"])
def test_the_model_answers_as_the_emulator(stack: LocalStack, setup: str) -> None:
    for number in range(3):
        world = world_of(SETUPS[setup], Choices(seed=f"emulator/{setup}/{number}"), conditional_deletes=True)
        world.source, world.output = (Compared(name, _real_bucket(stack)) for name in (IN, OUT))
        found = run(world)
        assert not [kind for kind in found.kinds if is_avoidable(kind)], found.findings
        assert len(found.world.invocations) > 1


def _real_bucket(stack: LocalStack) -> Bucket:
    name = f"race-{uuid.uuid4()}"
    stack.s3.create_bucket(Bucket=name)
    store = S3Store(
        name,
        endpoint=stack.facts.endpoint,
        region=stack.facts.region,
        access_key_id="test",
        secret_access_key="test",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    return Bucket(name, store)
