"""Object keys: which can be read, and where outputs go.

A key is at most 1,024 bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects").
"""

from __future__ import annotations

from tinypics.errors import InvalidRequest
from tinypics.image.formats import FORMATS, OUTPUTS

try:
    # `hashlib` gives the same BLAKE2 with OpenSSL around it, which takes 4 ms of a cold start to load.
    from _blake2 import blake2b
except ImportError:  # another interpreter than CPython
    from hashlib import blake2b

MAX_BYTES = 1024
MANIFEST = "manifest.json"

# The object-store client speaks paths, not bytes: it drops a leading slash (and would then read another object), and
# refuses empty, "." and ".." segments and ASCII control characters. Better said before a call than after it.
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
    """`key` itself, if it can name an object that is read or written here; else `InvalidRequest`."""
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
    """Whether this is the empty object that consoles make for a folder: nothing to resize. `size` None: not known."""
    return key.endswith("/") and not size


def single_output(key: str, *, source: str, output: str) -> str:
    """The key of the one output: `key`, with the extension of the format `output` appended if `source` is another.

    Appended, not replaced: `IMG_1.HEIC` and `IMG_1.PNG` must not both become `IMG_1.jpg`.
    """
    return check(key if source == output else f"{key}.{FORMATS[output].extension}", "dest_key")


def single_outputs(key: str, asked: str | None) -> list[str]:
    """Every key that the one output of `key` can have, the likeliest first, when the source's format is not known.

    `asked` is the rendition's format. The likeliest is right whenever the source's name tells its format.
    """
    guess = format_by_name(key)
    possible = [asked] if asked in OUTPUTS else ["jpeg", "png"] if asked is None else ["jpeg", "png", "webp"]
    appended = [f"{key}.{FORMATS[output].extension}" for output in possible]
    stays = guess == asked if asked in OUTPUTS else guess in OUTPUTS if asked is None else guess == "jpeg"
    ordered = [key, *appended] if stays else [*appended, key]
    return [each for each in ordered if len(each.encode()) <= MAX_BYTES]  # no output is under a longer one


def listed_output(folder: str, label: str, extension: str) -> str:
    """The key of one output of several: below the source's key, named after its rendition."""
    return check(f"{folder}/{label}.{extension}", "dest_key")


def manifest(folder: str) -> str:
    """The key of the document that says that all outputs of a list are there."""
    return check(f"{folder}/{MANIFEST}", "dest_key")


def possible_sources(output: str) -> list[str]:
    """Every key whose source can have this output (told without the output prefix): alone, or as one of a list."""
    shorter = (output.rpartition(separator)[0] for separator in "./")
    return [output, *(key for key in shorter if key)]


def fingerprint(bucket: str, key: str) -> str:
    """A source as 16 hexadecimal digits: keys are too long, and not ASCII enough, for an object's metadata."""
    return digest(f"{bucket}/{key}")


def extension(key: str) -> str:
    """What follows the last dot of the key's last part, in small letters; "" when there is none."""
    return key.rpartition("/")[2].rpartition(".")[2].lower() if "." in key.rpartition("/")[2] else ""


def format_by_name(key: str) -> str | None:
    """The format that the key's extension promises; None when it is not that of a picture that is read here."""
    found = extension(key)
    return _BY_EXTENSION.get(_SYNONYMS.get(found, found))


def digest(text: str) -> str:
    """16 hexadecimal digits (64 bits of BLAKE2b) that differ when the text does."""
    return blake2b(text.encode(), digest_size=8).hexdigest()
