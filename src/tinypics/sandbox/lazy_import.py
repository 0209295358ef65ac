"""Modules that a program imports and may never use, loaded when they are used."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands in for a module of the same name until something of it is asked for.

    `importlib.util.LazyLoader` is the same idea, but the very statement `import` asks its modules for `__spec__`, which
    loads them.
    """

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        vars(self).update(vars(import_module(self.__name__)))
        return super().__getattribute__(name)


def load_later(*names: str) -> None:
    """Have modules loaded when something of them is first used, whoever imports them. Those that are loaded stay."""
    for name in names:
        if name in sys.modules:
            continue
        package, _, last = name.rpartition(".")
        sys.modules[name] = stand_in = _Later(name)
        if package:
            setattr(import_module(package), last, stand_in)
