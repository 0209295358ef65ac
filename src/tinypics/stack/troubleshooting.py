"""Advice for each error name of a failed execution: the table in the console and in the docs.

Texts are plain sentences; `backticks` mark names and input.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Advice(NamedTuple):
    """The cause, the remedy, and whether a retry of the same input may succeed after the remedy."""

    happened: str
    do: str
    retry: bool


ADVICE: Final[dict[str, Advice]] = {
    # --- Permanent: the same request fails again, unless its object or the configuration has changed.
    "InvalidRequest": Advice(
        "A field of the event has an invalid value.",
        "The message names the field, what is allowed and what was given. Correct the event and start it again.",
        retry=False,
    ),
    "SourceNotFound": Advice(
        "There is no such object, or no such bucket.",
        "Check `bucket` and `key`: the key as it is, not URL-encoded. Upload the picture if it is not there.",
        retry=True,
    ),
    "SourceTooLarge": Advice(
        "The file has more bytes than the function takes.",
        "Upload a smaller file. The message says how large it may be.",
        retry=False,
    ),
    "UnsupportedFormat": Advice(
        "The file is not a picture in a supported format.",
        "The message says what its bytes look like. Save it as JPEG, PNG, WebP, AVIF, HEIC, GIF or TIFF and upload "
        "that; a new name alone does not help, because the bytes count.",
        retry=False,
    ),
    "CorruptImage": Advice(
        "The file has the right format, but it is damaged or cut short.",
        'Upload the picture again from where it came from. An event with `"lenient": true` uses what is there of a '
        "file that is only cut short.",
        retry=False,
    ),
    "ImageTooLarge": Advice(
        "The picture has more pixels, frames or scans than are allowed, or needs more memory than there is.",
        "Where the message names memory, deploy with a larger `MemorySize` and try again. Otherwise upload a smaller "
        "picture.",
        retry=True,
    ),
    "TimeLimitExceeded": Advice(
        "Decoding took more CPU time than the limit for one picture, or hung.",
        "Request a smaller rendition, or a format that is faster to encode than AVIF. A picture that takes so long "
        "to decode is rarely a photo: check its origin.",
        retry=False,
    ),
    "DecoderCrashed": Advice(
        "The decoder crashed on this picture. A new worker process decodes the next one.",
        "Check the origin of the file: it may be an attack. Do not open it with other programs, and report it to the "
        "maintainers of its format's decoder.",
        retry=False,
    ),
    "DestinationNotFound": Advice(
        "There is no such bucket to write to.",
        "Check `dest_bucket`, or the stack's parameter `OutputBucket`; make the bucket and try again.",
        retry=True,
    ),
    "AccessDenied": Advice(
        "The store refused to read the picture or to write a rendition, or the event named a bucket that is not the "
        "stack's.",
        "The function reads the stack's source bucket and writes its output bucket, and no others than "
        "those that the parameters `MoreSourceBuckets` and `MoreOutputBuckets` name. Check them, bucket policies, the "
        "KMS key's policy, and whether the picture was archived; then try again.",
        retry=True,
    ),
    "LoopRefused": Advice(
        "The output would trigger this same work again, in an endless loop.",
        "Choose another `dest_bucket`, or keep outputs apart with the parameter `OutputPrefix`.",
        retry=False,
    ),
    "InvalidConfiguration": Advice(
        "A variable of the function's environment has an invalid value, so the function refuses every event.",
        "The message names the variable, what is allowed and what was given. Deploy again with a value that is "
        "allowed: the variable TINYPICS_RENDITIONS is set by the parameter `Renditions`, and so on. Then try again.",
        retry=True,
    ),
    "CapExceeded": Advice(
        "A backfill found more pictures, or would cost more, than it is allowed. It resized none of them.",
        "Take a smaller part with `--prefix` or `--since`, or raise the cap that the message names: `--max-objects`, "
        "`--max-cost`.",
        retry=False,
    ),
    # --- Transient: every attempt of the workflow met it.
    "StoreUnavailable": Advice(
        "The store throttled, answered with a server error, or broke the connection, at every attempt.",
        "Try again now. If it lasts, the message says what the store answered: a bucket of another region and a "
        "disabled KMS key end like this, too.",
        retry=True,
    ),
    "SourceChanged": Advice(
        "The picture was overwritten while it was being read, at every attempt.",
        "Try again when its writer has finished.",
        retry=True,
    ),
    "DeadlineExceeded": Advice(
        "The time allowed for one picture was nearly over.",
        "Try again. If it happens to the same pictures, deploy with a larger `Timeout`, or a larger `MemorySize`, "
        "which gives more CPU, too.",
        retry=True,
    ),
    # --- Names that the workflow gives.
    "ResourcesExhausted": Advice(
        "The function was killed before it could answer: it ran out of memory or time, or crashed. The message has "
        "Lambda's name for that: `Lambda.Unknown`, `Sandbox.Timedout`, `Runtime.ExitError` or `Runtime.OutOfMemory`.",
        "Deploy with a larger `MemorySize`, or `Timeout` if it ran out of that; then try again.",
        retry=True,
    ),
    "States.Timeout": Advice(
        "The execution took longer than the workflow allows.",
        "Try again. If it lasts, look at the function's log for what it waited for.",
        retry=True,
    ),
    "States.Runtime": Advice(
        "The workflow could not read what the function answered.",
        "This is a fault of the deployment: deploy the workflow and the function of the same version.",
        retry=True,
    ),
    "TIMED_OUT": Advice(
        "The execution took longer than the workflow allows.",
        "Try again. If it lasts, look at the function's log for what it waited for.",
        retry=True,
    ),
    "ABORTED": Advice(
        "A user stopped the execution.",
        "Try again if it was not meant.",
        retry=True,
    ),
    "Runtime.HandlerError": Advice(
        "The function raised an error, at every attempt. On a laptop every such error has this name.",
        "The log line of the execution has the error's own name; what to do about that one holds.",
        retry=True,
    ),
    "Lambda.TooManyRequestsException": Advice(
        "Lambda had no room for another invocation, at every attempt.",
        "Try again later, in smaller numbers, or ask AWS for a higher concurrency quota.",
        retry=True,
    ),
}
"""By error name. A test compares it with `errors.py` and the workflow's own names."""

_UNKNOWN: Final = Advice(
    "The execution failed with a name that Tinypics does not give.",
    "The message and the log line say more. Try again; if it lasts, look for the name in AWS's documentation.",
    retry=True,
)


def advice(error: str) -> Advice:
    """The advice for the error name of a failed execution."""
    return ADVICE.get(error, _UNKNOWN)
