"""Lazy imports: modules that libraries import but rarely use are loaded on first use.

To be replaced by those of Python 3.15 (PEP 810).
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _LazyModule(ModuleType):
    """A stand-in for a module, which loads the module on the first access to an attribute.

    `importlib.util.LazyLoader` does the same, but the `import` statement itself reads `__spec__` of its modules, and
    so loads them.
    """

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        vars(self).update(vars(import_module(self.__name__)))
        return super().__getattribute__(name)


def import_lazily(*names: str) -> None:
    """Load these modules on first use, no matter which module imports them. Already loaded modules stay as they are."""
    for name in names:
        if name in sys.modules:
            continue
        package, _, last = name.rpartition(".")
        sys.modules[name] = stand_in = _LazyModule(name)
        if package:
            setattr(import_module(package), last, stand_in)
