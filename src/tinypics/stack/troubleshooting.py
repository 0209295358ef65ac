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
        "The file has more bytes than the function accepts.",
        "Upload a smaller file. The message has the limit.",
        retry=False,
    ),
    "UnsupportedFormat": Advice(
        "The file is not a picture in a supported format.",
        "The message describes its bytes. Save the picture as JPEG, PNG, WebP, AVIF, HEIC, GIF or TIFF and upload "
        "that; a new name alone does not help, because the bytes determine the format.",
        retry=False,
    ),
    "CorruptImage": Advice(
        "The file has the right format, but it is damaged or cut short.",
        'Upload the picture again from its origin. An event with `"lenient": true` uses the decodable part of a '
        "truncated file.",
        retry=False,
    ),
    "ImageTooLarge": Advice(
        "The picture has more pixels, frames or scans than are allowed, or needs more memory than the function has.",
        "If the message names memory, deploy with a larger `MemorySize` and retry. Otherwise upload a smaller picture.",
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
        "Check `dest_bucket`, or the stack's parameter `OutputBucket`; create the bucket and retry.",
        retry=True,
    ),
    "AccessDenied": Advice(
        "The store refused to read the picture, or to write or delete a rendition, or the event named a bucket that "
        "is not the stack's.",
        "The function may read the stack's source bucket and write its output bucket, and the buckets of the "
        "parameters `MoreSourceBuckets` and `MoreOutputBuckets`. Check these, the policies of the buckets and of the "
        "KMS key, and whether the picture was archived; then retry.",
        retry=True,
    ),
    "LoopRefused": Advice(
        "The output would trigger this same work again, in an endless loop.",
        "Choose another `dest_bucket`, or separate outputs with the parameter `OutputPrefix`.",
        retry=False,
    ),
    "InvalidConfiguration": Advice(
        "A variable of the function's environment has an invalid value, so the function refuses every event.",
        "The message names the variable, what is allowed and what was given. Deploy again with a value that is "
        "allowed: the parameter `Renditions` sets the variable TINYPICS_RENDITIONS, and so on. Then retry.",
        retry=True,
    ),
    "CapExceeded": Advice(
        "A backfill found more pictures, or would cost more, than it is allowed. It resized none of them.",
        "Select fewer pictures with `--prefix` or `--since`, or raise the cap that the message names: `--max-objects`, "
        "`--max-cost`.",
        retry=False,
    ),
    # --- Transient: every attempt of the workflow failed with it.
    "StoreUnavailable": Advice(
        "The store throttled, answered with a server error, or broke the connection, at every attempt.",
        "Retry now. If it lasts, the message has the store's answer: a bucket in another region, a disabled KMS key "
        "and, on a laptop, a full disk also cause this error.",
        retry=True,
    ),
    "SourceChanged": Advice(
        "The picture was overwritten while it was being read, at every attempt.",
        "Retry when its writer has finished.",
        retry=True,
    ),
    "DeadlineExceeded": Advice(
        "The time allowed for one picture was nearly over.",
        "Retry. If the same pictures fail again, deploy with a larger `Timeout`, or a larger `MemorySize`, "
        "which gives more CPU, too.",
        retry=True,
    ),
    # --- Names from the workflow.
    "ResourcesExhausted": Advice(
        "The function was killed before it could answer: it ran out of memory or time, or crashed. The message has "
        "Lambda's name for that: `Lambda.Unknown`, `Sandbox.Timedout`, `Runtime.ExitError` or `Runtime.OutOfMemory`.",
        "Deploy with a larger `MemorySize`, or a larger `Timeout` if it ran out of time; then retry.",
        retry=True,
    ),
    "States.Timeout": Advice(
        "The execution took longer than the workflow allows.",
        "Retry. If it lasts, the function's log shows which step was slow.",
        retry=True,
    ),
    "States.Runtime": Advice(
        "The workflow could not read the function's answer.",
        "This is an error of the deployment: deploy workflow and function of the same version.",
        retry=True,
    ),
    "TIMED_OUT": Advice(
        "The execution took longer than the workflow allows.",
        "Retry. If it lasts, the function's log shows which step was slow.",
        retry=True,
    ),
    "ABORTED": Advice(
        "A user stopped the execution.",
        "Retry if that was a mistake.",
        retry=True,
    ),
    "Runtime.HandlerError": Advice(
        "The function raised an error, at every attempt. The local emulator gives every such error this name.",
        "The log line of the execution has the error's own name: follow the advice for that one.",
        retry=True,
    ),
    "OSError": Advice(
        "The local emulator could not write a file, at every attempt: its disk is full, or its folder read-only.",
        "Free space on the disk of the data folder (`.tinypics`), or make the folder writable; then retry.",
        retry=True,
    ),
    "Lambda.TooManyRequestsException": Advice(
        "Lambda throttled the function, at every attempt.",
        "Retry later and fewer at a time, or ask AWS for a higher concurrency quota.",
        retry=True,
    ),
}
"""By error name. A test compares it with `errors.py` and the workflow's own names."""

_UNKNOWN: Final = Advice(
    "The execution failed with an error name that Tinypics does not define.",
    "The message and the log line have details. Retry; if it lasts, search AWS's documentation for the name.",
    retry=True,
)


def advice(error: str) -> Advice:
    """The advice for the error name of a failed execution."""
    return ADVICE.get(error, _UNKNOWN)
