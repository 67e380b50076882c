"""People of a directory: found by name, listed, and read into what the gate knows of somebody.

Names of a directory do not differ by the case of their letters, and accounts of the gate do.  So a name
from a directory is always spelled in small letters here, whatever was typed and whatever the directory
writes; what else a directory takes for the same name (spaces, other forms of a letter) is nobody's.

Called by `source`.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pacsgate.identity.federation.typed_attributes import with_numbers
from pacsgate.identity.ldap.account_status import STATUS_ATTRIBUTES, ends_at, is_active
from pacsgate.identity.ldap.conversation import Conversation, Entry
from pacsgate.identity.ldap.description import LdapDirectory
from pacsgate.identity.ldap.escaping import filter_of, filter_of_everybody
from pacsgate.model.subject import Values
from pacsgate.ports.identity_sources import SourceAccount

_OBJECT_GUID = "objectguid"


def spelled(name: str) -> str:
    """A name as the account of somebody in a directory spells it."""
    return unicodedata.normalize("NFC", name).lower()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the directory, before their groups are known."""

    entry: Entry
    external_id: str
    name: str
    display_name: str
    attributes: Mapping[str, Values]
    is_active: bool
    until: datetime | None

    def account(self, groups: frozenset[str]) -> SourceAccount:
        """The person as a list of accounts has them."""
        return SourceAccount(
            self.external_id,
            self.name,
            display_name=self.display_name,
            active=self.is_active,
            groups=groups,
            attributes=self.attributes,
            until=self.until,
        )


class People:
    """Reads entries of people."""

    def __init__(self, directory: LdapDirectory) -> None:
        self._directory = directory
        names = directory.names
        self._wanted = tuple(
            {
                names.external_id,
                names.name,
                names.display_name,
                "memberOf",
                *directory.attributes.values(),
                *STATUS_ATTRIBUTES,
            }
        )

    def find(self, name: str, conversation: Conversation) -> Person | None:
        """The one person of this name; nobody if there are several, since either could be meant."""
        filter_ = filter_of(self._directory.people_filter, name)
        entries = conversation.search(self._directory.people_base, filter_, self._wanted)
        found = None if len(entries) != 1 else self._person(entries[0])
        return found if found is not None and found.name == spelled(name) else None

    def everybody(self, conversation: Conversation) -> list[Person]:
        """Everybody with a name and an identifier."""
        filter_ = filter_of_everybody(self._directory.people_filter)
        listed = conversation.everything(self._directory.people_base, filter_, self._wanted)
        return [person for entry in listed if (person := self._person(entry)) is not None]

    def _person(self, entry: Entry) -> Person | None:
        names = self._directory.names
        names_here = entry.texts(names.name)
        external_id = _external_id(entry, names.external_id)
        if len(names_here) != 1 or not external_id:
            return None
        found = {
            attribute: frozenset(entry.texts(theirs))
            for attribute, theirs in self._directory.attributes.items()
        }
        return Person(
            entry=entry,
            external_id=external_id,
            name=spelled(names_here[0]),
            display_name=entry.text(names.display_name),
            attributes=with_numbers(found, self._directory.numbers),
            is_active=is_active(entry),
            until=ends_at(entry),
        )


def _external_id(entry: Entry, attribute: str) -> str:
    """The identifier as text; Active Directory's is sixteen bytes, half of it little-endian."""
    if attribute.lower() != _OBJECT_GUID:
        return entry.text(attribute)
    values = entry.values.get(_OBJECT_GUID, ())
    return str(UUID(bytes_le=values[0])) if len(values) == 1 and len(values[0]) == 16 else ""
