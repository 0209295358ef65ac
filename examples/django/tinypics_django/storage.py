"""A Django storage: uploads go to the source bucket, and `.url` is the address of an output.

    STORAGES = {"default": {"BACKEND": "tinypics_django.storage.TinypicsStorage", "OPTIONS": {"bucket_name": "…"}}}
    TINYPICS_URL = "https://pics.example.com/"  # the output UrlBase of cdn.yaml
    TINYPICS_RENDITION = "800x.auto"            # of `{{ user.avatar.url }}`

The storage gives each upload a key of its own, so an address never shows the picture before, and needs no version.
"""

from typing import Any

from django.conf import settings
from storages.backends.s3 import S3Storage

import tinypics


class TinypicsStorage(S3Storage):
    def get_default_settings(self) -> dict[str, Any]:
        return super().get_default_settings() | {"file_overwrite": False, "querystring_auth": False}

    def url(self, name: str, *_: Any, **__: Any) -> str:
        return tinypics.url(name, settings.TINYPICS_RENDITION, base=settings.TINYPICS_URL)
