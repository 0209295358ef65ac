"""The stack that a command works on, in the emulator of this folder or on AWS; and readable errors of AWS."""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    ProxyConnectionError,
)

from tinypics.cli import shell
from tinypics.cli.terminal import CommandFailed, plain
from tinypics.errors import InvalidConfiguration, InvalidRequest
from tinypics.local import deploy
from tinypics.local.emulator import running_emulator
from tinypics.stack import deployed
from tinypics.stack.clients import Cloud
from tinypics.stack.logs import Tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tinypics.aws.settings import Settings
    from tinypics.stack.deployed import Stack

DATA = ".tinypics"


@contextlib.contextmanager
def readable_errors() -> Iterator[None]:
    """Turn exceptions of boto3 into one sentence for the user. Also a decorator."""
    try:
        yield
    except NoCredentialsError:
        raise CommandFailed(
            "No AWS credentials were found: choose a --profile, or run `aws configure`.\n"
            "For the stack on this computer, start `tinypics up` first."
        ) from None
    except NoRegionError:
        raise CommandFailed(
            "No local emulator runs for this folder: start it with `tinypics up`.\n"
            "For a stack on AWS, choose its region with --region."
        ) from None
    except ProfileNotFound as error:
        raise CommandFailed(
            f"{error}: `aws configure list-profiles` names those that there are, `aws configure sso` makes one."
        ) from None
    except (EndpointConnectionError, ProxyConnectionError, ConnectTimeoutError) as error:
        raise CommandFailed(
            f"{error}\nCheck the network, a proxy (HTTPS_PROXY) and the region. Without --aws, a command uses the "
            "stack of `tinypics up` on this computer."
        ) from None
    except ClientError as error:
        detail = error.response["Error"]
        raise CommandFailed(f"{error.operation_name}: {detail['Code']}: {detail.get('Message', '')}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise CommandFailed(str(error)) from error


def _check_region(cloud: Cloud, error: EndpointConnectionError | InvalidRegionError) -> None:
    """Raise CommandFailed if AWS was not reached because there is no such region."""
    known = cloud.known_regions()
    # The host of another endpoint (AWS_ENDPOINT_URL) does not depend on the region.
    host = urlsplit(error.kwargs.get("endpoint_url", "")).hostname or cloud.region
    if cloud.region in known or cloud.region.lower() not in host.lower().split("."):
        return
    near = difflib.get_close_matches(cloud.region, known) or ["eu-central-1"]
    wrong = InvalidRequest.expected("region", f"one of AWS, like {' or '.join(near)}", cloud.region)
    raise CommandFailed(f"{wrong}\nIt is that of --region, AWS_REGION, AWS_DEFAULT_REGION or the profile.")


@dataclass(frozen=True, slots=True)
class Target:
    """A deployed stack, and clients to work with it."""

    cloud: Cloud
    stack: Stack
    options: tuple[str, ...] = ()
    """Options that name the stack, as the user gave them."""

    @classmethod
    @readable_errors()
    def find(
        cls, local: bool | None, data: Path | None, stack: str | None, profile: str | None, region: str | None
    ) -> Self:
        """`local` None: the stack of this folder's emulator, if it runs and no option names AWS; else AWS's."""
        named = {"--data": data, "--stack": stack, "--profile": profile, "--region": region}
        options = tuple(word for name, text in named.items() if text is not None for word in (name, str(text)))
        if local is not None:
            options += ("--local" if local else "--aws",)
        if local or (local is None and not (stack or profile or region)):
            folder = data or find_nearest(DATA, Path.cwd()) / DATA
            if pid_file := running_emulator(folder):
                return cls(Cloud.local(pid_file.endpoint, pid_file.region), pid_file.stack, options)
            if local or data:
                raise CommandFailed(f"No local emulator runs with its data in {folder}: start it with `tinypics up`.")
        cloud = Cloud.aws(profile, region)
        name = stack or deploy.STACK
        try:
            return cls(cloud, deployed.find(cloud.client("cloudformation"), name), options)
        except (EndpointConnectionError, InvalidRegionError) as error:
            _check_region(cloud, error)
            raise
        except KeyError as missing:
            raise CommandFailed(f"The stack {name} is not Tinypics: it has no output {missing}.") from None

    @property
    def pause(self) -> float:
        """Seconds between two polls. AWS charges for requests and throttles them, the emulator does not."""
        return 0.1 if self.cloud.endpoint else 1.0

    def command(self, name: str, *options: str, arguments: Sequence[str] = ()) -> str:
        """A command of this program for the same stack, to print for the user's shell."""
        end = ["--"] if any(each.startswith("-") for each in arguments) else []
        return shell.command(name, *options, *self.options, *end, *arguments)

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def settings(self) -> Settings:
        """The settings of the deployed function, which may differ from the local template's."""
        try:
            return deployed.settings(self.cloud, self.stack)
        except InvalidConfiguration as error:
            raise CommandFailed(f"The function {self.stack.function} has invalid settings: {plain(error)}") from None

    def log(self, since: float) -> Tail:
        """The function's log, from `since` on (seconds since 1970)."""
        return Tail(self.client("logs"), self.stack.log_group, since)


def find_nearest(name: str, folder: Path) -> Path:
    """The nearest folder with `name` in it: `folder`, or one of its parents; `folder` itself if there is none."""
    return next((place for place in (folder, *folder.parents) if (place / name).exists()), folder)
