"""No test may fail because the machine is busy; the artifact is built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.artifact import built

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def artifact() -> Iterator[Path]:
    with built() as folder:
        yield folder
