"""What stands in a form of a page, and which of its fields are marked as wrong."""

import re

from tests.support.page_forms import forms_on


def form_of(body: bytes, action: str) -> dict[str, str]:
    """What a browser would send by the form for an address, one value for each field."""
    (found,) = (form for form in forms_on(body.decode()) if (form.method, form.action) == ("post", action))
    return {name: values[0] for name, values in found.fields.items() if values}


def wrong_in(body: bytes) -> list[str]:
    """The names of the fields that are marked as wrong."""
    tags = re.findall(r"<(?:input|select)\b[^>]*\baria-invalid=[^>]*>", body.decode(), re.DOTALL)
    return [name for tag in tags for name in re.findall(r'\bname="([^"]+)"', tag)]
