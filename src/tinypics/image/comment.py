"""The same picture in other bytes: a file with a comment, which readers skip."""

from __future__ import annotations

import zlib


def with_comment(data: bytes, name: str, text: bytes) -> bytes:
    """A file that an encoder has written in the format `name`, with `text`: ASCII, at most 200 bytes."""
    if name == "jpeg":  # a COM segment (ITU-T T.81, B.2.4.5); JFIF wants to be the first one
        at = 4 + int.from_bytes(data[4:6], "big") if data[2:4] == b"\xff\xe0" else 2
        return data[:at] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + data[at:]
    if name == "png":  # before IEND, which has 12 bytes
        body = b"tEXtComment\0" + text
        chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        return data[:-12] + chunk + data[-12:]
    if name == "gif":  # a comment extension before the trailer
        return data[:-1] + b"\x21\xfe" + bytes([len(text)]) + text + b"\0" + data[-1:]
    if name == "webp":  # a chunk of an unknown kind at the end (RFC 9649, 2.7.1.6), of an even number of bytes
        chunk = b"note" + len(text).to_bytes(4, "little") + text + b"\0" * (len(text) % 2)
        return data[:4] + (len(data) + len(chunk) - 8).to_bytes(4, "little") + data[8:] + chunk
    return data + (len(text) + 8).to_bytes(4, "big") + b"free" + text  # a box of ISO/IEC 14496-12, 8.1.2
