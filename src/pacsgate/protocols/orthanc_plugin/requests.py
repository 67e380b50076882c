"""What the plugin asks, read from the JSON that it sends.

Fields that are not known are passed over, since every version of the plugin brings new ones.  A field
that is there with another type than it has is an error; one that says something unknown (a
method, a level) is a question to which the answer is no.

Called by the plugin's door.

Standard: Orthanc Book, "Advanced authorization plugin"; the plugin's own `AuthorizationWebService`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level

LONGEST_TOKEN = 8192
T = TypeVar("T")
SYSTEM = "system"
"""The level of whatever is no DICOM object."""


class _Token(msgspec.Struct):
    token_key: str | None = msgspec.field(name="token-key", default=None)
    token_value: str | None = msgspec.field(name="token-value", default=None)
    server_id: str | None = msgspec.field(name="server-id", default=None)


class _Profile(_Token):
    user_id: str | None = msgspec.field(name="user-id", default=None)


class _Validation(_Token):
    method: str = ""
    level: str = ""
    orthanc_id: str = msgspec.field(name="orthanc-id", default="")
    dicom_uid: str = msgspec.field(name="dicom-uid", default="")


class _Resource(msgspec.Struct):
    level: str | None = None
    orthanc_id: str | None = msgspec.field(name="orthanc-id", default=None)
    dicom_uid: str | None = msgspec.field(name="dicom-uid", default=None)


class _Minting(msgspec.Struct):
    resources: list[_Resource]
    identifier: str | None = msgspec.field(name="id", default=None)
    purpose: str | None = msgspec.field(name="type", default=None)
    server_id: str | None = msgspec.field(name="server-id", default=None)
    expiration_date: str | None = msgspec.field(name="expiration-date", default=None)
    validity_duration: int | None = msgspec.field(name="validity-duration", default=None)


@dataclass(frozen=True, slots=True)
class ProfileQuestion:
    """Who somebody is: by what was presented (empty for nobody), or by name."""

    presented: str = field(repr=False)
    user: str | None
    server: str | None


@dataclass(frozen=True, slots=True)
class ObjectQuestion:
    """Whether a token is good for a method on one object; `level` `None` is whatever is no object."""

    presented: str = field(repr=False)
    method: str
    level: Level | None
    orthanc_id: str
    uid: str
    server: str | None


@dataclass(frozen=True, slots=True)
class AskedObject:
    """One object that a link is to be for; whichever of its names is known."""

    level: Level
    orthanc_id: str | None
    uid: str | None


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A link to be minted; `until` and `seconds` are wishes."""

    purpose: str
    objects: tuple[AskedObject, ...]
    label: str
    until: datetime | None
    seconds: int | None
    server: str | None


def read_profile_question(body: bytes) -> ProfileQuestion:
    """Read the body of `user/get-profile`.  Raises `RequestError`."""
    asked = _decode(body, _Profile)
    user = asked.user_id if asked.token_key is None else None
    return ProfileQuestion(_value(asked), user or None, asked.server_id)


def read_object_question(body: bytes) -> ObjectQuestion:
    """Read the body of `tokens/validate`.  Raises `RequestError`."""
    asked = _decode(body, _Validation)
    level = next((level for level in Level if level == asked.level), None)
    return ObjectQuestion(
        _value(asked), asked.method.lower(), level, asked.orthanc_id, asked.dicom_uid, asked.server_id
    )


def read_presented_token(body: bytes) -> str:
    """Read the body of `tokens/decode`.  Raises `RequestError`."""
    return _value(_decode(body, _Token))


def read_link_request(body: bytes, purpose: str) -> LinkRequest:
    """Read the body of `tokens/{purpose}`.  Raises `RequestError`."""
    asked = _decode(body, _Minting)
    if asked.purpose not in {None, purpose}:
        raise RequestError("`type` is not that of the path")
    return LinkRequest(
        purpose=purpose,
        objects=tuple(_asked_object(resource) for resource in asked.resources),
        label=asked.identifier or "",
        until=None if asked.expiration_date is None else _instant(asked.expiration_date),
        seconds=asked.validity_duration,
        server=asked.server_id,
    )


def _asked_object(resource: _Resource) -> AskedObject:
    level = next((level for level in Level if level == resource.level), None)
    if level is None:
        raise RequestError("`level` is `study`, `series` or `instance`")
    if not resource.orthanc_id and not resource.dicom_uid:
        raise RequestError("a resource has an `orthanc-id` or a `dicom-uid`")
    return AskedObject(level, resource.orthanc_id or None, resource.dicom_uid or None)


def _instant(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError("`expiration-date` is no date and time of ISO 8601") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _value(asked: _Token) -> str:
    value = asked.token_value or ""
    if len(value) > LONGEST_TOKEN:
        raise RequestError(f"`token-value` is longer than {LONGEST_TOKEN} characters")
    return value


def _decode(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError("the body is not the JSON that this path takes", detail=str(error)) from None
