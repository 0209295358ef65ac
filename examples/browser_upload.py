"""A form whose file goes straight from the browser to the source bucket, and the page that shows it at once.

    python examples/browser_upload.py original-pics https://pics.example.com/ 800x.auto

The form needs no JavaScript and no CORS: S3 checks the signed policy, then sends the browser back with the key and the
ETag. The renditions must be listed (`Renditions` or `DynamicRenditions`): the address works before the workflow ran.
"""

import html
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

from tinypics import PermanentError, picture_html

MAX_BYTES = 20_000_000
PREFIX = "uploads/"


def form(s3: Any, bucket: str, back: str) -> str:
    """The page with the form. Its policy allows one new key, a picture, and at most `MAX_BYTES`, for ten minutes."""
    fields = {"success_action_redirect": back}
    conditions = [
        {"success_action_redirect": back},
        ["starts-with", "$Content-Type", "image/"],
        ["content-length-range", 1, MAX_BYTES],
    ]
    signed = s3.generate_presigned_post(bucket, f"{PREFIX}{uuid.uuid4()}.jpg", fields, conditions, ExpiresIn=600)
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in {**signed["fields"], "Content-Type": "image/jpeg"}.items()
    )
    return (
        f'<form action="{html.escape(signed["url"])}" method="post" enctype="multipart/form-data">{hidden}'
        '<input type="file" name="file" accept="image/*" required><button>Upload</button></form>'
    )


def uploaded(query: str, base: str, renditions: list[str]) -> str:
    """The page for the address that S3 sends the browser to. The key and the ETag come from the browser."""
    given = {name: values[0] for name, values in parse_qs(query).items()}
    key = given.get("key", "")
    if not key.startswith(PREFIX):
        return "<p>No such upload.</p>"
    try:
        return picture_html(key, renditions, base=base, version=given.get("etag"), alt="Your picture")
    except PermanentError as refused:
        return f"<p>{html.escape(str(refused))}</p>"


def serve(s3: Any, bucket: str, base: str, renditions: list[str], port: int = 8000) -> ThreadingHTTPServer:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            back = f"http://127.0.0.1:{self.server.server_address[1]}/uploaded"
            page = uploaded(asked.query, base, renditions) if asked.path == "/uploaded" else form(s3, bucket, back)
            body = f'<!doctype html><meta charset="utf-8"><title>Upload</title>{page}'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", port), Pages)


if __name__ == "__main__":
    server = serve(boto3.client("s3"), sys.argv[1], sys.argv[2], sys.argv[3:])
    print(f"http://127.0.0.1:{server.server_address[1]}/")
    server.serve_forever()
