"""A deployed stack: its outputs, and the settings of its function, which may differ from the local template's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from tinypics.aws.settings import MEMORY_MB, Settings
from tinypics.store.objects import unquoted

if TYPE_CHECKING:
    from tinypics.stack.clients import Cloud


def settings(cloud: Cloud, stack: Stack) -> Settings:
    """The settings of the deployed function. Raises InvalidConfiguration if they are invalid."""
    return function(cloud, stack)[0]


def function(cloud: Cloud, stack: Stack) -> tuple[Settings, int]:
    """The settings of the deployed function, and its memory in MB. Raises InvalidConfiguration."""
    config = cloud.client("lambda").get_function_configuration(FunctionName=stack.function)
    environment = config.get("Environment", {}).get("Variables", {})
    memory = int(config["MemorySize"])
    return Settings.from_environment(environment | {MEMORY_MB: str(memory)}), memory


def address_base(stack: Stack, settings: Settings) -> str | None:
    """The prefix of addresses: the stack's parameter UrlBase, or the output of its CDN. None if it has neither."""
    return settings.handling.url_base or stack.cdn_url


def signing_secret(cloud: Cloud, stack: Stack) -> str | None:
    """The keys that sign addresses, a JSON document. None without Dynamic=signed."""
    if not stack.signing_secret:
        return None
    return str(cloud.client("secretsmanager").get_secret_value(SecretId=stack.signing_secret)["SecretString"])


def source_version(cloud: Cloud, stack: Stack, key: str) -> str:
    """The ETag of a picture in the source bucket, without quotes. Raises ClientError if there is none."""
    return unquoted(cloud.client("s3").head_object(Bucket=stack.source_bucket, Key=key)["ETag"])


@dataclass(frozen=True, slots=True)
class Stack:
    """The names of a deployed stack's resources, on the laptop or on AWS: the outputs of template.yaml and cdn.yaml."""

    source_bucket: str
    output_bucket: str
    function: str
    state_machine: str  # ARN
    log_group: str
    api_url: str | None  # None when the API is off
    dead_letters: str | None = None  # URLs of queues; None for stacks of a version without this output
    uploads: str | None = None  # None also without Trigger=queue
    backfill: str | None = None  # ARN of the workflow over a whole bucket
    backfill_bucket: str | None = None
    cdn_url: str | None = None  # prefix of addresses; None without the stack of cdn.yaml
    signing_secret: str | None = None  # ARN; None without Dynamic=signed

    @classmethod
    def from_outputs(cls, outputs: dict[str, str]) -> Self:
        """Read CloudFormation's outputs. Raises KeyError for a stack that is not Tinypics."""
        return cls(
            source_bucket=outputs["SourceBucketName"],
            output_bucket=outputs["OutputBucketName"],
            function=outputs["FunctionName"],
            state_machine=outputs["StateMachineArn"],
            log_group=outputs["LogGroupName"],
            api_url=outputs.get("ApiUrl"),
            dead_letters=outputs.get("DeadLetterQueueUrl"),
            uploads=outputs.get("UploadQueueUrl"),
            backfill=outputs.get("BackfillArn"),
            backfill_bucket=outputs.get("BackfillBucketName"),
            cdn_url=outputs.get("UrlBase"),
            signing_secret=outputs.get("SigningSecretArn"),
        )


def cdn_stack(stack: str) -> str:
    """The name of the stack of cdn.yaml that serves the outputs of `stack`, as its output CdnCommand has it."""
    return f"{stack}-cdn"


def find(cloudformation: Any, stack: str) -> Stack:
    """The deployed stack, and the addresses of its CDN if that is deployed as well.

    Raises ClientError if there is no such stack, and KeyError if it is not Tinypics.
    """
    found = outputs(cloudformation, stack)
    if "CdnCommand" in found:
        try:
            found |= outputs(cloudformation, cdn_stack(stack))
        except ClientError as error:
            # There is no such stack (CloudFormation API reference, DescribeStacks), or the caller may not see it.
            if error.response["Error"]["Code"] not in ("ValidationError", "AccessDenied"):
                raise
    return Stack.from_outputs(found)


def outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """The outputs of a deployed stack, by name. Raises ClientError if there is no such stack."""
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
