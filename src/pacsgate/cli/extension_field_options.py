"""Extension fields on a command line: `NAME:TYPE`, with `!` where the field is required.

Called by `tenants`.
"""

from collections.abc import Sequence
from typing import Annotated

import typer

from pacsgate.model.errors import SettingsError
from pacsgate.model.extension_fields import ExtensionField, ExtensionFields, FieldType

IdentityFields = Annotated[
    list[str] | None,
    typer.Option("--identity-field", metavar="NAME:TYPE[!]", help="A field of identities; repeat."),
]
VisitFields = Annotated[
    list[str] | None, typer.Option("--visit-field", metavar="NAME:TYPE[!]", help="A field of visits; repeat.")
]


def fields_of(written: Sequence[str]) -> ExtensionFields:
    """The fields.  Raises `SettingsError`."""
    found = {}
    for text in written:
        name, _, kind = text.removesuffix("!").partition(":")
        if kind not in set(FieldType):
            kinds = ", ".join(FieldType)
            raise SettingsError(f"`{text}` is no field: write NAME:TYPE, and `!` if required; types: {kinds}")
        found[name] = ExtensionField(FieldType(kind), required=text.endswith("!"))
    return found
