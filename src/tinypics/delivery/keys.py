"""Object keys: validation, and the keys of outputs.

A key is at most 1,024 bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects").
"""

from __future__ import annotations

from tinypics.errors import InvalidRequest
from tinypics.image.formats import FORMATS, OUTPUTS

try:
    # `hashlib` has the same BLAKE2, but loads OpenSSL, which takes 4 ms of a cold start.
    from _blake2 import blake2b
except ImportError:  # another interpreter than CPython
    from hashlib import blake2b

MAX_BYTES = 1024
MANIFEST = "manifest.json"

# The object-store client treats keys as paths: it drops a leading slash (and would then read another object), and
# refuses empty, "." and ".." segments and ASCII control characters. Refusing them here gives a clear message.
_BAD_PARTS = frozenset({"", ".", ".."})
_BAD_CHARACTERS = frozenset({*map(chr, range(0x20)), "\x7f"})

_SYNONYMS = {
    "jpeg": "jpg",
    "jpe": "jpg",
    "jfif": "jpg",
    "apng": "png",
    "avifs": "avif",
    "tiff": "tif",
    "dib": "bmp",
} | {
    **dict.fromkeys(("heif", "hif", "heics", "heifs"), "heic"),
    **dict.fromkeys(("j2k", "j2c", "jpc", "jpf", "jpx"), "jp2"),
}

_BY_EXTENSION = {codec.extension: codec.name for codec in FORMATS.values()}


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


def single_output(key: str, *, source: str, output: str) -> str:
    """The key of a single output: `key`, plus the extension of the format `output` if `source` is another format.

    Appended, not replaced: `IMG_1.HEIC` and `IMG_1.PNG` must not both become `IMG_1.jpg`.
    """
    return check(key if source == output else f"{key}.{FORMATS[output].extension}", "dest_key")


def single_outputs(key: str, asked: str | None) -> list[str]:
    """Every key that the single output of `key` can have if the source's format is not known, the likeliest first.

    `asked` is the rendition's format. The first key is right whenever the source's extension matches its format.
    """
    guess = format_by_name(key)
    possible = [asked] if asked in OUTPUTS else ["jpeg", "png"] if asked is None else ["jpeg", "png", "webp"]
    appended = [f"{key}.{FORMATS[output].extension}" for output in possible]
    stays = guess == asked if asked in OUTPUTS else guess in OUTPUTS if asked is None else guess == "jpeg"
    ordered = [key, *appended] if stays else [*appended, key]
    return [each for each in ordered if len(each.encode()) <= MAX_BYTES]  # S3 allows no longer key


def listed_output(folder: str, label: str, extension: str) -> str:
    """The key of one of several outputs: below the source's key, named after the rendition."""
    return check(f"{folder}/{label}.{extension}", "dest_key")


def manifest(folder: str) -> str:
    """The key of the manifest of a folder."""
    return check(f"{folder}/{MANIFEST}", "dest_key")


def possible_sources(output: str) -> list[str]:
    """Every source key that can have this output, as a single one or in a folder. `output` is without OutputPrefix."""
    shorter = (output.rpartition(separator)[0] for separator in "./")
    return [output, *(key for key in shorter if key)]


def fingerprint(bucket: str, key: str) -> str:
    """A source as 16 hexadecimal digits. Keys do not fit into metadata, which is short and ASCII."""
    return digest(f"{bucket}/{key}")


def extension(key: str) -> str:
    """The extension of the key's last part, in lower case and without the dot; "" if there is none."""
    return key.rpartition("/")[2].rpartition(".")[2].lower() if "." in key.rpartition("/")[2] else ""


def format_by_name(key: str) -> str | None:
    """The format that the key's extension stands for; None if it is not that of a supported picture."""
    found = extension(key)
    return _BY_EXTENSION.get(_SYNONYMS.get(found, found))


def digest(text: str) -> str:
    """A hash of the text: 16 hexadecimal digits, 64 bits of BLAKE2b."""
    return blake2b(text.encode(), digest_size=8).hexdigest()
