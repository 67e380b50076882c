"""What is configured of one LDAP directory: where it is, how it is asked, and which attributes mean what.

Made by `bootstrap` from the configuration; read by the modules beside it.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class LdapServer:
    """One server of a directory.  It is spoken to over TLS: from the first byte, or after StartTLS."""

    host: str
    port: int
    start_tls: bool = False


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The account that the gate searches with."""

    dn: str
    password: str = field(repr=False)


class NestedGroups(StrEnum):
    """How groups of groups are found."""

    MEMBER_OF = "member-of"
    """The attribute `memberOf` of people and of groups, step by step."""
    IN_CHAIN = "in-chain"
    """One question with Active Directory's rule LDAP_MATCHING_RULE_IN_CHAIN."""
    SEARCH = "search"
    """Groups that have the person as `member` or `uniqueMember`, then groups that have those, and so on."""


@dataclass(frozen=True, slots=True)
class GroupSearch:
    """Which groups count, and what they are called here."""

    base: str
    """Groups outside this subtree are nobody's."""
    nested: NestedGroups
    by_dn: bool = False
    """Whether a group is called by its whole DN; else by the first part of it (`cn`)."""


@dataclass(frozen=True, slots=True)
class PersonNames:
    """Which attributes of an entry say who somebody is."""

    external_id: str
    """What stays when somebody marries or moves: `entryUUID`, `objectGUID`."""
    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class LdapDirectory:
    """One directory."""

    name: str
    servers: tuple[LdapServer, ...]
    """Tried in this order until one answers."""
    trust: ssl.SSLContext
    people_base: str
    people_filter: str
    """An LDAP filter with `{name}` where the name goes."""
    names: PersonNames
    groups: GroupSearch | None
    service: ServiceAccount | None
    """Without one, people find themselves after a bind as `bind_as`."""
    bind_as: str | None = None
    """What somebody binds as (`{name}@hospital.example`) where there is no service account."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attribute of policies (`user.…`) to attribute of the directory."""
    numbers: frozenset[str] = frozenset()
    """Attributes of policies that are numbers there."""
    timeout_seconds: int = 5
