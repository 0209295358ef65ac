"""A template tag: {% load tinypics %}{% picture user.avatar "128x128.auto" "256x256.auto" sizes="128px" alt=name %}."""

from typing import Any

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from tinypics import picture_html

register = template.Library()


@register.simple_tag
def picture(file: Any, *renditions: str, sizes: str = "", alt: str = "", **attributes: str) -> SafeString:
    """The `<picture>` of a field's file; all texts in it are escaped."""
    markup = picture_html(
        file.name, renditions, base=settings.TINYPICS_URL, sizes=sizes, alt=alt, attributes=attributes
    )
    return mark_safe(markup)  # noqa: S308
