"""Object keys: validation, and the keys of outputs.

A key is at most 1,024 bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinypics.errors import InvalidRequest
from tinypics.image.formats import BY_EXTENSION, FORMATS, OUTPUTS
from tinypics.store.objects import MAX_KEY_BYTES

if TYPE_CHECKING:
    from tinypics.image.rendition import Rendition

try:
    # `hashlib` has the same BLAKE2, but loads OpenSSL, which takes 4 ms of a cold start.
    from _blake2 import blake2b
except ImportError:  # another interpreter than CPython
    from hashlib import blake2b

MAX_BYTES = MAX_KEY_BYTES
MANIFEST = "manifest.json"
AUTO = "auto"
"""The format, and so the extension, of a rendition whose content decides how it is encoded."""

# The object-store client treats keys as paths: it drops a leading slash (and would then read another object), and
# refuses empty, "." and ".." segments and ASCII control characters. Refusing them here gives a clear message.
_BAD_PARTS = frozenset({"", ".", ".."})
_BAD_CHARACTERS = frozenset({*map(chr, range(0x20)), "\x7f"})


def check(key: str, field: str = "key") -> str:
    """`key` itself. Raises InvalidRequest for a key that cannot be read or written here."""
    if not key:
        raise InvalidRequest.expected(field, "an object key", key)
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise InvalidRequest.expected(field, "valid Unicode", key) from error
    if size > MAX_BYTES:
        raise InvalidRequest.expected(field, f"at most {MAX_BYTES} bytes of UTF-8", f"{size} bytes: {key}")
    if not (_BAD_PARTS.isdisjoint(key.split("/")) and _BAD_CHARACTERS.isdisjoint(key)):
        raise InvalidRequest.expected(
            field, 'an object key without control characters, empty, "." or ".." parts, or a slash at either end', key
        )
    return key


def is_folder_marker(key: str, size: int | None) -> bool:
    """Whether this is the empty object that the S3 console creates for a folder. `size` None: not known."""
    return key.endswith("/") and not size


def fixed_format(source: str, rendition: Rendition) -> str | None:
    """The format that the rendition asks for, or the source's name requires; None: the picture's content decides.

    A name of a format that browsers do not show requires JPEG. With `lossless`, a name that is not of a lossless
    format requires PNG, or WebP if it can be an animation.
    """
    if rendition.format is not None:
        return rendition.format
    named = format_by_name(source)
    if named is None:
        return None
    if named in OUTPUTS and (FORMATS[named].lossless or not rendition.lossless):
        return None
    if not rendition.lossless:
        return "jpeg"
    return "webp" if named in OUTPUTS and FORMATS[named].animated else "png"


def single_output(base: str, rendition: Rendition) -> str:
    """The key of a single output: `base`, plus the extension of a fixed format that `base` does not name.

    Appended, not replaced: `IMG_1.HEIC` and `IMG_1.PNG` must not both become `IMG_1.jpg`. It does not depend on the
    picture, so one HEAD finds the output.
    """
    fixed = fixed_format(base, rendition)
    if fixed is None or fixed == format_by_name(base):
        return base
    return check(f"{base}.{_extension_of(fixed)}", "dest_key")


def possible_single_outputs(base: str) -> list[str]:
    """Every key that a single output of a source can have, by any rendition, of this or an earlier version."""
    return [base, *(f"{base}.{each}" for each in EXTENSIONS)]


def may_be_output(base: str, key: str) -> bool:
    """Whether a source with this base key can have the output `key`, in any layout, by any rendition."""
    if key.startswith(f"{base}/"):
        name = key[len(base) + 1 :]
        return "/" not in name and (name == MANIFEST or extension(name) in EXTENSIONS)
    return key in possible_single_outputs(base)


def listed_output(folder: str, rendition: Rendition) -> str:
    """The key of one of several outputs: below the source's key, named after the rendition.

    The extension is the one that `single_output` ends with, so that the key is known without a manifest. If the name
    tells no format, it is the likeliest one's.
    """
    likeliest = "png" if rendition.lossless else "jpeg"
    name = fixed_format(folder, rendition) or format_by_name(folder) or likeliest
    return check(f"{folder}/{rendition.label}.{_extension_of(name)}", "dest_key")


def manifest(folder: str) -> str:
    """The key of the manifest of a folder."""
    return check(f"{folder}/{MANIFEST}", "dest_key")


def possible_sources(output: str) -> list[str]:
    """Every source key that can have this output, as a single one or in a folder. `output` is without OutputPrefix.

    If several exist, the first one of this list has the output: the one with the longest key.
    """
    shorter = (output.rpartition(separator)[0] for separator in "./")
    return [output, *(key for key in shorter if key)]


def shorter_sources(output: str, source: str) -> list[str]:
    """The sources that can have this output only while `source` has none."""
    possible = possible_sources(output)
    return possible[possible.index(source) + 1 :] if source in possible else []


def fingerprint(bucket: str, key: str) -> str:
    """A source as 16 hexadecimal digits. Keys do not fit into metadata, which is short and ASCII."""
    return digest(f"{bucket}/{key}")


def extension(key: str) -> str:
    """The extension of the key's last part, in lower case and without the dot; "" if there is none."""
    return key.rpartition("/")[2].rpartition(".")[2].lower() if "." in key.rpartition("/")[2] else ""


def format_by_name(key: str) -> str | None:
    """The format that the key's extension stands for; None if it is not that of a supported picture."""
    return BY_EXTENSION.get(extension(key))


def in_address(key: str) -> str:
    """The key in the path of an address: percent-encoded, except for slashes and RFC 3986's unreserved characters.

    "+" is encoded, too, because S3 reads it as a space.
    """
    from urllib.parse import quote  # only manifests and addresses need it

    return quote(key, safe="/")


def _extension_of(name: str) -> str:
    """The extension of a rendition's format."""
    return AUTO if name == AUTO else FORMATS[name].extension


def digest(text: str) -> str:
    """A hash of the text: 16 hexadecimal digits, 64 bits of BLAKE2b."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


EXTENSIONS = frozenset(_extension_of(name) for name in (*OUTPUTS, AUTO))
"""The extensions that outputs can have."""
