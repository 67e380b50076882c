"""What is sent to make or change an identity, a visit or a credential.

The gate reads a body when it is submitted and whoever carries it out reads it again: neither relies on
the other.  A body replaces what was said before, all of it.

Called by the API and by `services.access`.

Invariants:
- an unknown member, a wrong type and a text that is too long are refused;
- what is refused is named, and nothing of what was in it is repeated.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission

ID_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$"
"""Whatever a path names: nothing in it needs an escape."""
FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Of an instant: at the very ends of the calendar, its day in some time zone would be none."""
MOST_FIELDS = 100
LONGEST_VALUE = 256

_Body = TypeVar("_Body", bound="AccessBody")


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise ValueError("a date and time with its offset, as text")  # noqa: TRY004 - what pydantic collects
    try:
        stated = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("a date and time with its offset, as in ISO 8601") from None
    if not FIRST_YEAR <= stated.year <= LAST_YEAR:
        raise ValueError(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    return value if stated.tzinfo is None else stated.astimezone(UTC)


def _printable(value: object) -> object:
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("text without control characters")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
EntityId = Annotated[str, Field(pattern=ID_PATTERN, max_length=64)]
Text = Annotated[str, BeforeValidator(_printable), Field(max_length=200)]
Name = Annotated[str, BeforeValidator(_printable), Field(min_length=1, max_length=200)]
Fields = Annotated[
    dict[str, str | int | bool | None],
    Field(max_length=MOST_FIELDS, description="The tenant's extension fields."),
]


class AccessBody(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class IdentityBody(AccessBody):
    """A person or device with standing access."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "identityId": "e-1042",
                    "name": "Ada Reis",
                    "email": "ada.reis@example.org",
                    "extensionFields": {"staffNumber": 1042},
                }
            ]
        },
    )

    identity_id: EntityId | None = Field(default=None, description="Chosen by the gate if it is absent.")
    name: Name
    email: Text = ""
    organization: Text = ""
    account: EntityId | None = Field(
        default=None,
        description="The account at the gate that this is; a picture archive makes one where it is absent.",
    )
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    extension_fields: Fields = Field(default_factory=dict)


class VisitBody(AccessBody):
    """Somebody's access for a time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "visitId": "v-7",
                    "visitor": "p-77",
                    "name": "Bo Lund",
                    "host": "Ada Reis",
                    "validFrom": "2027-03-01T08:00:00+01:00",
                    "validTo": "2027-03-01T17:00:00+01:00",
                }
            ]
        },
    )

    visit_id: EntityId | None = Field(default=None, description="Chosen by the gate if it is absent.")
    visitor: EntityId = Field(description="Who comes: the same id at each of their visits.")
    name: Name
    email: Text = ""
    organization: Text = ""
    host: Text = Field(default="", description="Whom they visit.")
    account: EntityId | None = Field(
        default=None,
        description="The account at the gate that this is; a picture archive makes one where it is absent.",
    )
    valid_from: Instant
    valid_to: Instant
    extension_fields: Fields = Field(default_factory=dict)


class CredentialBody(AccessBody):
    """What a holder shows to be let in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"credentialId": "card-1", "format": "uid-hex", "value": "04A1B2C3"}],
        },
    )

    credential_id: EntityId | None = Field(default=None, description="Chosen by the gate if it is absent.")
    format: EntityId = Field(description="One of the credential formats of the PACS.")
    value: Annotated[str, Field(min_length=1, max_length=LONGEST_VALUE)] | None = Field(
        default=None, description="What stands on the card; absent where the PACS makes the credential."
    )
    label: Text = ""
    active: bool = True
    valid_from: Instant | None = None
    valid_to: Instant | None = None


class PolicyBody(AccessBody):
    """A policy, whole, for an archive that an agent governs."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sources": {"policy.yaml": "version: 1"}}]},
    )

    sources: Annotated[dict[Name, str], Field(min_length=1, max_length=100)] = Field(
        description="The policy files, by name."
    )


BODIES: Mapping[str, type[AccessBody]] = {
    Permission.IDENTITY_CREATE.value: IdentityBody,
    Permission.IDENTITY_UPDATE.value: IdentityBody,
    Permission.VISIT_CREATE.value: VisitBody,
    Permission.VISIT_UPDATE.value: VisitBody,
    Permission.IDENTITY_CREDENTIAL_CREATE.value: CredentialBody,
    Permission.VISIT_CREDENTIAL_CREATE.value: CredentialBody,
    Permission.POLICY_PUBLISH.value: PolicyBody,
}
"""The body of each operation that has one."""


def read_body(form: type[_Body], value: Any) -> _Body:
    """Read a decoded body.  Raises `RequestError`."""
    try:
        return form.model_validate(value)
    except ValidationError as problem:
        wrong = sorted({_said(each) for each in problem.errors(include_input=False, include_url=False)})
        raise RequestError(f"cannot read {'; '.join(wrong)}") from None


def check_body(operation: str, value: Any) -> None:
    """Raise `RequestError` for a body that the operation does not take."""
    form = BODIES.get(operation)
    if form is not None:
        read_body(form, value)
    elif value is not None:
        raise RequestError(f"`{operation}` takes no body")


def _said(error: Mapping[str, Any]) -> str:
    # The name of a member that nobody knows is the sender's own text, and may be long.
    if error["type"] == "extra_forbidden":
        return "an unknown member"
    place = ".".join(str(part) for part in error["loc"] if isinstance(part, int) or len(part) <= 64)
    told = str(error["msg"])
    return f"`{place or 'the body'}`: {told[:1].lower()}{told[1:]}"
