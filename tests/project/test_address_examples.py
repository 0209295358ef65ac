"""The examples for other languages and frameworks give the addresses of the vectors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
VECTORS = json.loads((EXAMPLES / "addresses.json").read_text(encoding="utf-8"))
BASE: str = VECTORS["base"]

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
needs_ruby = pytest.mark.skipif(shutil.which("ruby") is None, reason="ruby is not installed")

ADDRESSES = """
import { address } from './address.mjs';
import { sign } from './sign.mjs';
const { base, secret, addresses } = JSON.parse(process.argv[1]);
console.log(JSON.stringify(addresses.map(({ key, name, version, signed, expires }) =>
  address(base, key, name, { version, ...(signed && sign(secret, key, name, expires)) }))));
"""

LOADED = """
import loader from './nextjs-loader.mjs';
console.log(JSON.stringify(JSON.parse(process.argv[1]).map(given => loader(given))));
"""


def node(program: str, given: Any, **environment: str) -> list[str]:
    """The addresses that a program prints; its imports are files of examples/javascript."""
    command = ["node", "--input-type=module", "--eval", program, json.dumps(given)]
    ran = subprocess.run(
        command,
        cwd=EXAMPLES / "javascript",
        env={"PATH": str(Path(str(shutil.which("node"))).parent), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(ran.stdout)
    return found


@needs_node
def test_javascript_writes_and_signs_the_addresses() -> None:
    assert node(ADDRESSES, VECTORS) == [each["address"] for each in VECTORS["addresses"]]


@needs_node
def test_the_loader_of_nextjs_asks_for_listed_widths() -> None:
    asked = [
        {"src": "photos/ü.jpg", "width": 640},
        {"src": "/photos/cat.jpg?v=5d41402a", "width": 1080, "quality": 75},
        {"src": "what?v=other.jpg", "width": 128},
    ]
    assert node(LOADED, asked, NEXT_PUBLIC_TINYPICS_URL=BASE) == [
        f"{BASE}photos/%C3%BC.jpg/640x.auto",
        f"{BASE}photos/cat.jpg/1080x-q75.auto?v=5d41402a",
        f"{BASE}what%3Fv%3Dother.jpg/128x.auto",
    ]


DJANGO = """
import sys
import django
from django.conf import settings
from django.template import Context, Engine
settings.configure(TINYPICS_URL=sys.argv[1], TINYPICS_RENDITION="128x128.auto")
django.setup()
from types import SimpleNamespace
from tinypics_django.storage import TinypicsStorage
storage = TinypicsStorage(bucket_name="original-pics")
print(storage.url("users/ü.jpg"))
print(storage.file_overwrite)
engine = Engine(libraries={"tinypics": "tinypics_django.templatetags.tinypics"})
text = '{% load tinypics %}{% picture file "64x64.auto" "128x128.auto" sizes="64px" alt=name class="avatar" %}'
print(engine.from_string(text).render(Context({"file": SimpleNamespace(name="a+b.jpg"), "name": "<b>"})))
"""


def test_django_shows_a_field_by_its_address() -> None:
    pytest.importorskip("django", reason="Django is not installed")
    pytest.importorskip("storages", reason="django-storages is not installed")
    command = [sys.executable, "-c", DJANGO, BASE]
    ran = subprocess.run(command, cwd=EXAMPLES / "django", capture_output=True, text=True, check=True)
    address, overwrites, shown = ran.stdout.splitlines()
    assert (address, overwrites) == (f"{BASE}users/%C3%BC.jpg/128x128.auto", "False")
    assert f'srcset="{BASE}a%2Bb.jpg/64x64.auto 64w, {BASE}a%2Bb.jpg/128x128.auto 128w"' in shown
    assert 'alt="&lt;b&gt;"' in shown
    assert 'class="avatar"' in shown


RAILS = """
require "./tinypics_helper"
include TinypicsHelper
puts JSON.dump(JSON.parse(STDIN.read).map { |each|
  last = each["expires"] && Time.at(each["expires"])
  tinypics_url(each["key"], each["name"], version: each["version"], sign: each["signed"], expires: last) })
"""


@needs_ruby
def test_rails_writes_and_signs_the_addresses() -> None:
    ran = subprocess.run(
        ["ruby", "-e", RAILS],
        cwd=EXAMPLES / "rails",
        env={
            "PATH": str(Path(str(shutil.which("ruby"))).parent),
            "LANG": "C.UTF-8",
            "TINYPICS_URL": BASE,
            "TINYPICS_SECRET": json.dumps(VECTORS["secret"]),
        },
        input=json.dumps(VECTORS["addresses"]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == [each["address"] for each in VECTORS["addresses"]]
