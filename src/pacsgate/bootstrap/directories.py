"""Wires the LDAP directories that the configuration names.

Called by `doors`, `background` and `cli`; checked by `issuers` before anything is served.
"""

import ssl
from dataclasses import dataclass

from pacsgate.bootstrap.identity_sources import federated_accounts
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.secret_files import read_secret
from pacsgate.config import Settings
from pacsgate.config.ldap import LdapSettings
from pacsgate.identity.ldap.description import (
    GroupSearch,
    LdapDirectory,
    LdapServer,
    NestedGroups,
    PersonNames,
    ServiceAccount,
)
from pacsgate.identity.ldap.source import LdapSource
from pacsgate.identity.outside_passwords import OutsidePasswords
from pacsgate.model.errors import SettingsError
from pacsgate.ports.identity_sources import AccountList


@dataclass(frozen=True, slots=True)
class _Usual:
    """What directories of a kind usually do."""

    people_filter: str
    names: PersonNames
    nested: NestedGroups


_USUAL = {
    "ldap": _Usual(
        "(&(objectClass=inetOrgPerson)(uid={name}))",
        PersonNames("entryUUID", "uid", "displayName"),
        NestedGroups.SEARCH,
    ),
    "active-directory": _Usual(
        "(&(objectCategory=person)(objectClass=user)(sAMAccountName={name}))",
        PersonNames("objectGUID", "sAMAccountName", "displayName"),
        NestedGroups.IN_CHAIN,
    ),
}


def ldap_sources(settings: Settings) -> tuple[LdapSource, ...]:
    """The directories, in the order of the configuration.  Raises `SettingsError` for what cannot be read."""
    return tuple(LdapSource(_described(directory)) for directory in settings.identity.ldap)


def account_list(settings: Settings, name: str) -> AccountList:
    """The directory of this name, to list everybody.  Raises `SettingsError`."""
    for source, described in zip(ldap_sources(settings), settings.identity.ldap, strict=True):
        if source.name == name and described.bind is not None:
            return source
    raise SettingsError(f"no directory `{name}` in `identity.ldap` can be listed: it needs `bind`")


def speaks_of(settings: Settings, name: str) -> frozenset[str]:
    """What the list of a directory says of an account besides that it is there."""
    described = next(one for one in settings.identity.ldap if one.name == name)
    always = {"display_name", "until"}
    asked = {"groups": described.groups is not None, "attributes": bool(described.attributes)}
    return frozenset(always | {field for field, is_asked in asked.items() if is_asked})


def outside_passwords(installation: Installation) -> OutsidePasswords:
    """Who is asked about passwords that are not kept here."""
    return OutsidePasswords(
        ldap_sources(installation.settings), federated_accounts(installation), installation.stores.directory
    )


def _described(settings: LdapSettings) -> LdapDirectory:
    usual = _USUAL[settings.kind]
    people, groups, bind = settings.people, settings.groups, settings.bind
    names = PersonNames(
        people.id or usual.names.external_id,
        people.name or usual.names.name,
        people.display_name or usual.names.display_name,
    )
    return LdapDirectory(
        name=settings.name,
        servers=tuple(LdapServer(*address) for address in settings.addresses),
        trust=_trust(settings),
        people_base=people.base,
        people_filter=people.filter or usual.people_filter,
        names=names,
        groups=None
        if groups is None
        else GroupSearch(groups.base, NestedGroups(groups.nested or usual.nested), groups.names == "dn"),
        service=None
        if bind is None
        else ServiceAccount(bind.dn, read_secret(bind.password_file, "password")),
        bind_as=settings.bind_as,
        attributes=settings.attributes,
        numbers=frozenset(settings.numbers),
        timeout_seconds=settings.timeout_seconds,
    )


def _trust(settings: LdapSettings) -> ssl.SSLContext:
    """Verified certificates and names, TLS 1.2 or newer."""
    try:
        trust = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise SettingsError(f"cannot read the authorities `{settings.ca_file}`: {error.strerror}") from error
    trust.minimum_version = ssl.TLSVersion.TLSv1_2
    return trust
