"""A hospital in a directory: people, nested groups, a circle of groups, and what Active Directory says of accounts."""

import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from pacsgate.identity.ldap.description import (
    GroupSearch,
    LdapDirectory,
    LdapServer,
    NestedGroups,
    PersonNames,
    ServiceAccount,
)
from pacsgate.identity.ldap.source import LdapSource
from tests.support.slapd import (
    GROUPS,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    Slapd,
    cn,
    group,
    person,
    running_slapd,
    uid,
)

LDAP_PASSWORD = "röntgen  macht Spaß"
RAD2_PASSWORD = "another one"
GUID = UUID("00112233-4455-6677-8899-aabbccddeeff")
_NEVER = 0x7FFF_FFFF_FFFF_FFFF
_SOON_OVER = 132_539_328_000_000_000  # 2021-01-01 in hundreds of nanoseconds since 1601


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _windows(name: str, control: int = 512, expires: int = _NEVER) -> list[str]:
    return [
        "objectClass: windowsAccount",
        f"sAMAccountName: {name}",
        f"userAccountControl: {control}",
        f"accountExpires: {expires}",
    ]


def _with(uid_: str, *lines: str) -> str:
    """Somebody with the password of everybody."""
    return person(uid_, "x", *lines).replace("userPassword: x", f"userPassword:: {_encoded(LDAP_PASSWORD)}")


PEOPLE_OF_HOSPITAL = "".join(
    [
        _with(
            "rad1",
            "employeeType: CT-A",
            "employeeType: MR-B",
            *_windows("Rad1"),
            f"objectGUID:: {base64.b64encode(GUID.bytes_le).decode()}",
        ),
        person("rad2", RAD2_PASSWORD),
        _with("left", *_windows("left", control=514)),
        _with("guest", *_windows("guest", expires=_SOON_OVER)),
        _with("o\\2Cbrien").replace("uid: o\\2Cbrien", "uid: o,brien"),
        person("keyless", "x").replace("userPassword: x\n", ""),
        group("Radiologists", uid("rad1")),
        group("Staff", cn("Radiologists")),
        group("Night", uid("rad2"), cn("Staff")),
        "\ndn: ou=others,dc=hospital,dc=example\nobjectClass: organizationalUnit\nou: others\n",
        group("Administrators", uid("rad1")).replace(GROUPS, "ou=others,dc=hospital,dc=example"),
    ]
)
_CIRCLE = f"dn: {cn('Radiologists')}\nchangetype: modify\nadd: member\nmember: {cn('Night')}\n"


@contextmanager
def hospital_directory(path: Path) -> Iterator[Slapd]:
    """The directory, running: `rad1` is in a circle of three groups, and in one that lies elsewhere."""
    with running_slapd(path, PEOPLE_OF_HOSPITAL) as running:
        running.modify(_CIRCLE)
        yield running


def directory(
    slapd: Slapd, name: str = "clinic", *, start_tls: bool = False, **changed: Any
) -> LdapDirectory:
    """The directory, as the gate is configured with it."""
    parts: dict[str, Any] = {
        "servers": (LdapServer("127.0.0.1", slapd.plain if start_tls else slapd.tls, start_tls),),
        "trust": ssl.create_default_context(cafile=slapd.ca_file),
        "people_base": PEOPLE,
        "people_filter": "(&(objectClass=inetOrgPerson)(uid={name}))",
        "names": PersonNames("entryUUID", "uid", "displayName"),
        "groups": GroupSearch(GROUPS, NestedGroups.SEARCH),
        "service": ServiceAccount(SERVICE, SERVICE_PASSWORD),
        "attributes": {"department": "employeeType"},
        **changed,
    }
    return LdapDirectory(name=name, **parts)


def source(slapd: Slapd, name: str = "clinic", **changed: Any) -> LdapSource:
    return LdapSource(directory(slapd, name, **changed))


def like_active_directory(slapd: Slapd, **changed: Any) -> LdapDirectory:
    """The same with the attributes of Active Directory."""
    parts = {
        "people_filter": "(&(objectClass=windowsAccount)(sAMAccountName={name}))",
        "names": PersonNames("objectGUID", "sAMAccountName", "displayName"),
        "groups": GroupSearch(GROUPS, NestedGroups.MEMBER_OF),
        **changed,
    }
    return directory(slapd, **parts)
