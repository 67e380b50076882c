"""An LDAP directory as an identity source: verifies passwords, and lists everybody.

A password is proven by a bind as the very entry that was found, and by nothing else: not by a bind under
a name that was put together, which may be somebody else's.  Where the gate has a service account, that one
searches; where it has none, whoever signs in searches for themselves.

A name that nobody has costs the same: its password is tried on an entry that does not exist.

Used as `ports.identity_sources.PasswordSource` by `pacsgate.identity.outside_passwords`, and as
`AccountList` by the nightly sync; wired by `bootstrap`.

Invariants:
- an empty password is refused before anything is asked;
- a directory that cannot be asked lets nobody in, and its list is whole or raises;
- a name is a value in every filter and every DN, never a part of them.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from pacsgate.identity.ldap.conversation import Conversation, Conversations
from pacsgate.identity.ldap.description import LdapDirectory
from pacsgate.identity.ldap.escaping import bind_name_of
from pacsgate.identity.ldap.groups import Groups
from pacsgate.identity.ldap.people import People, Person, spelled
from pacsgate.model.claimed_names import LONGEST_CLAIM
from pacsgate.model.errors import UnavailableError
from pacsgate.ports.assertions import AssertionFault, Claims
from pacsgate.ports.identity_sources import SourceAccount

HOLDS_FOR = timedelta(days=1)
"""How long what a directory said at a sign-in counts at most; a session ends sooner, and is asked again."""
_PASSWORD = frozenset({"pwd"})


class LdapSource:
    """One directory."""

    def __init__(self, directory: LdapDirectory) -> None:
        self._directory = directory
        self._conversations = Conversations(directory)
        self._people = People(directory)

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._directory.name

    def verify(self, name: str, password: str, now: datetime) -> Claims | AssertionFault:
        """What the directory says of whoever this password belongs to."""
        if not password or not _is_text(password):
            return AssertionFault.WRONG_PASSWORD
        if not name.isprintable() or not 0 < len(name) <= LONGEST_CLAIM:
            return AssertionFault.UNKNOWN_PERSON
        try:
            with self._conversations.begin() as conversation:
                return self._verify(name, password, conversation, now)
        except UnavailableError:
            return AssertionFault.UNAVAILABLE

    def accounts(self) -> Iterator[SourceAccount]:
        """Everybody.  Raises `UnavailableError` when the list cannot be had whole."""
        service = self._directory.service
        if service is None:
            raise UnavailableError(f"`{self.name}` cannot be listed without a service account")
        with self._conversations.begin() as conversation:
            self._bind_service(conversation)
            groups = self._groups(conversation)
            for person in self._people.everybody(conversation):
                yield person.account(frozenset() if groups is None else groups.of(person.entry))

    def _verify(
        self, name: str, password: str, conversation: Conversation, now: datetime
    ) -> Claims | AssertionFault:
        if not self._may_search(name, password, conversation):
            return AssertionFault.WRONG_PASSWORD
        person = self._people.find(name, conversation)
        if person is None:
            conversation.bind(f"cn={secrets.token_hex(8)},{self._directory.people_base}", password)
            return AssertionFault.UNKNOWN_PERSON
        if not conversation.bind(person.entry.dn, password):
            return AssertionFault.WRONG_PASSWORD
        if not person.is_active or (person.until is not None and person.until <= now):
            return AssertionFault.DISABLED
        self._bind_service(conversation)
        return self._claims(person, conversation, now)

    def _may_search(self, name: str, password: str, conversation: Conversation) -> bool:
        template = self._directory.bind_as
        if self._directory.service is not None or template is None:
            self._bind_service(conversation)
            return True
        who = bind_name_of(template, spelled(name))
        return who is not None and conversation.bind(who, password)

    def _bind_service(self, conversation: Conversation) -> None:
        service = self._directory.service
        if service is not None and not conversation.bind(service.dn, service.password):
            raise UnavailableError(f"`{self.name}` does not let the gate's own account in")

    def _groups(self, conversation: Conversation) -> Groups | None:
        search = self._directory.groups
        return None if search is None else Groups(search, conversation)

    def _claims(self, person: Person, conversation: Conversation, now: datetime) -> Claims:
        groups = self._groups(conversation)
        ends = now + HOLDS_FOR
        return Claims(
            issuer=self.name,
            name=person.name,
            expires_at=ends if person.until is None else min(ends, person.until),
            source=self.name,
            external_id=person.external_id,
            display_name=person.display_name,
            groups=None if groups is None else groups.of(person.entry),
            attributes=person.attributes,
            methods=_PASSWORD,
        )


def _is_text(password: str) -> bool:
    """Whether it can be sent at all: half a character is nobody's password."""
    try:
        password.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
