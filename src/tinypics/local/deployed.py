"""What the function of a deployed stack was told, whatever the template here says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.aws.settings import MEMORY_MB, Settings

if TYPE_CHECKING:
    from tinypics.local.cloud import Cloud
    from tinypics.local.facts import Stack


def settings(cloud: Cloud, stack: Stack) -> Settings:
    """The settings of the function as it is deployed. Raises InvalidConfiguration where they are wrong."""
    return function(cloud, stack)[0]


def function(cloud: Cloud, stack: Stack) -> tuple[Settings, int]:
    """The settings of the function as it is deployed, and its memory in MB. Raises InvalidConfiguration."""
    config = cloud.client("lambda").get_function_configuration(FunctionName=stack.function)
    environment = config.get("Environment", {}).get("Variables", {})
    memory = int(config["MemorySize"])
    return Settings.from_environment(environment | {MEMORY_MB: str(memory)}), memory
