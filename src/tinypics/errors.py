"""Every way a request can fail, by name.

::

    TinypicsError
    ├── PermanentError         the same request fails again: answered as a value, never retried
    │   ├── InvalidRequest         a field, an event or a rendition has an invalid value
    │   ├── SourceNotFound         no such object, or no such bucket
    │   ├── SourceTooLarge         more bytes than `Limits.bytes`
    │   ├── UnsupportedFormat      not one of the formats in `formats.FORMATS`
    │   ├── CorruptImage           the right format, but it cannot be decoded (or is cut short)
    │   ├── ImageTooLarge          more pixels, frames, scans or memory than `Limits` allow
    │   ├── TimeLimitExceeded      more CPU time than `Limits.cpu_seconds`, or the decoder hung
    │   ├── DecoderCrashed         the decoder crashed, or was killed
    │   ├── DestinationNotFound    no such bucket to write to
    │   ├── AccessDenied           the store, or the stack's own list of buckets, denies access
    │   ├── LoopRefused            the output would trigger this same work again
    │   ├── InvalidConfiguration   a variable of the function's environment has an invalid value
    │   └── CapExceeded            a backfill of more objects, or at a higher cost, than its caps allow
    └── TransientError         the same request may succeed later: raised, so that the workflow retries it
        ├── StoreUnavailable       throttled, 5xx, or the connection broke
        ├── SourceChanged          the object was overwritten while it was being read
        └── DeadlineExceeded       the time allowed for this invocation is nearly over

Adapters translate errors of libraries into these. No code decides anything by the text of a message.
"""

from __future__ import annotations

from typing import ClassVar, Final, Self

_MAX_QUOTED = 80  # characters of a rejected value that a message quotes; values are untrusted input


class TinypicsError(Exception):
    """The root of the tree. `str(error)` is a sentence for the person who sent the request."""

    transient: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The class name, which answers, workflow states and logs use."""
        return type(self).__name__

    @property
    def message(self) -> str:
        return str(self)


class PermanentError(TinypicsError):
    """The same request fails again."""

    @classmethod
    def expected(cls, field: str, allowed: str, given: object) -> Self:
        """The one shape of a validation message: name, what is allowed, what was given."""
        return cls(f"{field}: expected {allowed}, got {quote_value(given)}")


class TransientError(TinypicsError):
    """The same request may succeed later."""

    transient = True


class InvalidRequest(PermanentError):
    """A field, an event or a rendition has an invalid value."""


class SourceNotFound(PermanentError):
    """No such object, or no such bucket."""


class SourceTooLarge(PermanentError):
    """More bytes than `Limits.bytes`."""

    etag: str = ""
    """The version of the object that this is about; "" if the bytes are of no object."""

    @classmethod
    def of(cls, kind: str, allowed: int, given: int, etag: str) -> Self:
        error = cls(f"{kind}: expected at most {allowed:,} bytes, got {given:,}")
        error.etag = etag
        return error


class UnsupportedFormat(PermanentError):
    """Not one of the formats in `formats.FORMATS`."""


class CorruptImage(PermanentError):
    """The right format, but it cannot be decoded, or is cut short."""


class ImageTooLarge(PermanentError):
    """More pixels, frames, scans or memory than `Limits` allow."""


class TimeLimitExceeded(PermanentError):
    """Decoding took more CPU time than allowed for one picture, or hung."""


class DecoderCrashed(PermanentError):
    """The decoder crashed, or was killed, on this picture."""


REFUSED: Final = (SourceTooLarge, UnsupportedFormat, CorruptImage, ImageTooLarge, TimeLimitExceeded, DecoderCrashed)
"""Errors of a source that exists and can never be resized."""


class DestinationNotFound(PermanentError):
    """No such bucket to write to."""


class AccessDenied(PermanentError):
    """The store, or the stack's own list of buckets, denies access."""


class LoopRefused(PermanentError):
    """The output would trigger this same work again."""


class InvalidConfiguration(PermanentError):
    """A variable of the function's environment has an invalid value: every request fails until it is corrected."""


class CapExceeded(PermanentError):
    """A backfill of more objects, or at a higher cost, than its caps allow. Nothing was started."""


class StoreUnavailable(TransientError):
    """Throttled, 5xx, or the connection broke."""


class SourceChanged(TransientError):
    """The object was overwritten while it was being read."""


class DeadlineExceeded(TransientError):
    """The time allowed for this invocation is nearly over."""


def quote_value(value: object) -> str:
    """`value` as a message quotes it: short, on one line, and with its type where that helps."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = ascii(value) if not isinstance(value, str) else _quoted(value)
    if len(text) > _MAX_QUOTED:
        text = text[: _MAX_QUOTED - 1] + "…"
    return text if isinstance(value, int | float | str) else f"{text} ({type(value).__name__})"


def _quoted(text: str) -> str:
    return f'"{printable(text[: _MAX_QUOTED + 1])}"'


def printable(text: str) -> str:
    """`text` with control characters escaped, so that untrusted input cannot send control sequences to a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
