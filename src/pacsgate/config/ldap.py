"""LDAP directories and Active Directory: names and passwords that are verified there.

Called by `identity`.

Standard: RFC 4513 3 (StartTLS), RFC 4516 (LDAP URLs); RFC 4515 (filters).
"""

import re
from datetime import time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from pacsgate.config.base import Section
from pacsgate.config.sources import SourceSettings

_SERVER = re.compile(r"(ldaps?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::([0-9]{1,5}))?/?")
_PLACE = "{name}"


class LdapBindSettings(Section):
    """The account that the gate searches with."""

    dn: str = Field(min_length=1)
    password_file: Path
    """A file with its password, and nothing else."""


class LdapPeopleSettings(Section):
    """Where people are, and which attributes say who they are.  What is absent is usual for `kind`."""

    base: str = Field(min_length=1)
    """DN of the subtree that holds them."""
    filter: str | None = None
    """An LDAP filter that finds one person: `{name}` stands where the name goes."""
    id: str | None = None
    """The attribute that stays when a name changes: `entryUUID`, `objectGUID`."""
    name: str | None = None
    """The attribute with the name of the account."""
    display_name: str | None = None

    @field_validator("filter")
    @classmethod
    def _filter_finds_by_name(cls, value: str | None) -> str | None:
        if value is not None and (_PLACE not in value or not value.startswith("(") or value[-1] != ")"):
            raise ValueError(
                "is no filter in brackets with `{name}` in it: `(&(objectClass=person)(uid={name}))`"
            )
        return value


class LdapGroupSettings(Section):
    """Which groups count.  Assignments of the policy make roles of them."""

    base: str = Field(min_length=1)
    """DN of the subtree; groups outside it are nobody's."""
    nested: Literal["member-of", "in-chain", "search"] | None = None
    """How groups of groups are found: by `memberOf` step by step, by Active Directory's matching rule, or by
    searching for groups with a `member`.  Usual for `kind` when absent."""
    names: Literal["cn", "dn"] = "cn"
    """What a group is called here: the first part of its DN, or all of it."""


class LdapSyncSettings(Section):
    """A reconciliation every day: leavers are disabled, changes taken over."""

    at: time
    """The time of day: `02:30`."""
    zone: str = "UTC"
    """The IANA zone of that time."""

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"`{value}` is no time zone") from error
        return value


class LdapSettings(SourceSettings):
    """A directory."""

    kind: Literal["ldap", "active-directory"] = "ldap"
    """Which attributes and filters are usual."""
    servers: tuple[str, ...] = Field(min_length=1)
    """`ldaps://host` or, with StartTLS, `ldap://host`; tried in this order."""
    ca_file: Path | None = None
    """The certificate authorities to trust instead of the system's."""
    bind: LdapBindSettings | None = None
    bind_as: str | None = None
    """Where there is no service account: what somebody binds as, `{name}@hospital.example` or a DN."""
    people: LdapPeopleSettings
    groups: LdapGroupSettings | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    """Attribute of policies (`user.…`) to attribute of the directory."""
    numbers: tuple[str, ...] = ()
    """Attributes of policies that are numbers there: this kind of source tells nothing but texts."""
    sync: LdapSyncSettings | None = None
    timeout_seconds: int = Field(default=5, ge=1, le=60)
    """For a connection, and for each answer."""

    @field_validator("servers")
    @classmethod
    def _servers_are_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            if _SERVER.fullmatch(url) is None:
                raise ValueError(
                    f"`{url}` is no server: `ldaps://host[:port]`, or `ldap://host[:port]` for StartTLS"
                )
        return value

    @model_validator(mode="after")
    def _one_way_to_search(self) -> "LdapSettings":
        if (self.bind is None) == (self.bind_as is None):
            raise ValueError("a directory needs `bind` (a service account) or `bind_as`, and not both")
        if self.bind_as is not None and _PLACE not in self.bind_as:
            raise ValueError("`bind_as` must hold `{name}`")
        if self.sync is not None and self.bind is None:
            raise ValueError("`sync` needs `bind`: nobody is there to list people in the night")
        if self.sync is not None and self.accounts != "claims":
            raise ValueError(
                "`sync` needs `accounts: claims`: only accounts that are the source's are its to change"
            )
        return self

    @property
    def addresses(self) -> tuple[tuple[str, int, bool], ...]:
        """Host, port, and whether TLS begins with StartTLS."""
        found = []
        for url in self.servers:
            if (parts := _SERVER.fullmatch(url)) is not None:
                starts = parts[1] == "ldap"
                port = int(parts[3]) if parts[3] else (389 if starts else 636)
                found.append((parts[2].strip("[]"), port, starts))
        return tuple(found)
