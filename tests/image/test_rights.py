"""Creator, copyright and density, in every place where photo editors write them."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from PIL import Image

from tests.pictures import encoded, full_exif, opened
from tinypics import resize

ARTIST, COPYRIGHT = 0x013B, 0x8298


def dataset(number: int, text: bytes) -> bytes:
    return b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text


def with_iptc(*datasets: bytes) -> bytes:
    body = b"".join(datasets)
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(body)) + body + bytes(len(body) % 2)
    segment = b"Photoshop 3.0\0" + resource
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG")
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def xmp(properties: str) -> bytes:
    return f'<x:xmpmeta><rdf:RDF><rdf:Description rdf:about="">{properties}</rdf:Description></rdf:RDF>'.encode()


RIGHTS = '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) 2024 J &amp; J</rdf:li></rdf:Alt></dc:rights>'
CREATORS = "<dc:creator><rdf:Seq><rdf:li>Jane</rdf:li><rdf:li>Joe</rdf:li></rdf:Seq></dc:creator>"


def kept(data: bytes, text: str) -> tuple[Any, Any, tuple[str, ...]]:
    output = resize(data, text)
    exif = opened(output.data).getexif()
    return exif.get(ARTIST), exif.get(COPYRIGHT), output.dropped


@pytest.mark.parametrize("keep", ["keepcopyright", "keepall"])
@pytest.mark.parametrize("format", ["", "-webp", "-png"])
def test_iptc_is_kept_as_exif(keep: str, format: str) -> None:
    data = with_iptc(dataset(0, b"\0\4"), dataset(80, b"Jane"), dataset(116, b"(c) 2024 Jane"))
    assert kept(data, f"32x{format}-{keep}") == ("Jane", "(c) 2024 Jane", ())


@pytest.mark.parametrize("keep", ["keepcopyright", "keepall"])
@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
def test_xmp_is_kept_as_exif(format: str, keep: str) -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), format, xmp=xmp(RIGHTS + CREATORS))
    assert kept(data, f"32x-jpeg-{keep}") == ("Jane; Joe", "(c) 2024 J & J", ())


def test_exif_goes_before_them() -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", exif=full_exif(), xmp=xmp(CREATORS))
    source = opened(data).getexif()
    assert kept(data, "32x-keepcopyright")[:2] == (source.get(ARTIST), source.get(COPYRIGHT))


def test_a_lost_licence_is_reported() -> None:
    terms = "<xmpRights:UsageTerms><rdf:Alt><rdf:li>CC BY 4.0</rdf:li></rdf:Alt></xmpRights:UsageTerms>"
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", xmp=xmp(RIGHTS + terms))
    assert kept(data, "32x-keepcopyright") == (None, "(c) 2024 J & J", ("metadata",))
    assert resize(data, "32x").dropped == ()


@pytest.mark.parametrize("cut", range(1, 12))
def test_broken_iptc_costs_nothing(cut: int) -> None:
    assert resize(with_iptc(dataset(80, b"Jane")[:cut]), "32x-keepcopyright").width == 32


def test_density_is_kept_with_all() -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", dpi=(300, 300))
    assert opened(resize(data, "32x-keepall").data).getexif().get(0x011A) == 300
    assert not opened(resize(data, "32x-keepcopyright").data).getexif()
    assert not opened(resize(data, "32x").data).getexif()


def test_no_location_comes_through() -> None:
    place = "<photoshop:City>Paris</photoshop:City><exif:GPSLatitude>48,51N</exif:GPSLatitude>"
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", xmp=xmp(RIGHTS + place))
    output = resize(data, "32x-keepall")
    assert b"Paris" not in output.data
    assert b"48,51" not in output.data


def test_the_gain_map_of_an_apple_photo_is_reported() -> None:
    data = encoded(Image.new("RGB", (64, 64), "grey"), "JPEG", xmp=xmp("<HDRGainMap:HDRGainMapVersion>65536</x>"))
    assert resize(data, "32x").dropped == ("gain-map",)
