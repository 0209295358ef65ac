"""Immutable values with named fields, for modules that are loaded in a cold start.

They are declared like `dataclasses`, and type checkers treat them as such. `dataclasses` itself, `inspect` which it
imports, and forty of its frozen classes are a quarter of a cold start (`bench/README.md`), because it compiles methods
for each class. Here all classes share one set of methods. Modules that the handler loads use this decorator, all others
`dataclass`; a `NamedTuple` compiles methods, too.
"""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True)
def value(cls: type[_T]) -> type[_T]:
    """Make the annotations of a class its fields. Defaults are shared by all instances, so they must be immutable.

    A method `__post_init__` may validate fields, or convert them with `object.__setattr__`.
    """
    members: dict[str, Any] = {
        "__match_args__": tuple(cls.__annotations__),
        "__init__": _init,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
        "__eq__": _equal,
        "__hash__": _hash,
        "__repr__": _repr,
    }
    for name, member in members.items():
        setattr(cls, name, member)
    return cls


def replace(instance: _T, **changes: Any) -> _T:
    """A copy with other values in some fields. `__post_init__` validates it like any instance."""
    return type(instance)(**vars(instance) | changes)


def _init(self: Any, *given: Any, **named: Any) -> None:
    cls = type(self)
    names = cls.__match_args__
    found = self.__dict__
    found.update(zip(names, given, strict=False))
    for name in names[len(given) :]:
        if name in named:
            found[name] = named.pop(name)
        elif hasattr(cls, name):
            found[name] = getattr(cls, name)
        else:
            raise TypeError(f"{cls.__name__}() needs {name}")
    if named or len(given) > len(names):
        raise TypeError(f"{cls.__name__}() takes {', '.join(names)}, each once")
    if hasattr(cls, "__post_init__"):
        self.__post_init__()


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{name}: a {type(self).__name__} does not change")


def _equal(self: Any, other: object) -> bool:
    return vars(self) == vars(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash((type(self), *vars(self).values()))


def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={field!r}" for name, field in vars(self).items())
    return f"{type(self).__name__}({fields})"
