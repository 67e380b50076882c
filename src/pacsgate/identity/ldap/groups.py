"""Which groups somebody is in, groups of groups included.

Groups may be members of each other in a circle, so each is looked at once.  What was found of groups
stays for the length of one conversation, for a list of everybody asks about the same groups again and again.

Called by `source`.

Standard: MS-ADTS 3.1.1.3.4.4.3 (LDAP_MATCHING_RULE_TRANSITIVE_EVAL).
"""

from collections.abc import Iterable

from pacsgate.identity.ldap.conversation import Conversation, Entry
from pacsgate.identity.ldap.description import GroupSearch, NestedGroups
from pacsgate.identity.ldap.distinguished_names import lies_under, parts_of
from pacsgate.identity.ldap.escaping import escaped_value
from pacsgate.model.errors import UnavailableError

MOST_GROUPS = 2000
"""Of one person.  Somebody in more is a mistake in a directory, and half of them would be a wrong answer."""
_MEMBER_OF = "memberOf"


class Groups:
    """The groups of a directory, as one conversation finds them."""

    def __init__(self, search: GroupSearch, conversation: Conversation) -> None:
        self._search = search
        self._conversation = conversation
        self._parents: dict[str, frozenset[str]] = {}

    def of(self, person: Entry) -> frozenset[str]:
        """What the groups of a person are called.  Raises `UnavailableError`."""
        if self._search.nested is NestedGroups.IN_CHAIN:
            return self._named(self._in_chain(person.dn))
        return self._named(self._closure(person))

    def _closure(self, person: Entry) -> set[str]:
        found: set[str] = set()
        waiting = list(self._direct(person))
        while waiting:
            group = waiting.pop()
            if group in found:
                continue
            found.add(group)
            if len(found) > MOST_GROUPS:
                raise UnavailableError(f"somebody is in more than {MOST_GROUPS} groups of the directory")
            waiting.extend(self._parents_of(group))
        return found

    def _direct(self, person: Entry) -> Iterable[str]:
        if self._search.nested is NestedGroups.MEMBER_OF:
            return person.texts(_MEMBER_OF)
        return self._having(person.dn)

    def _parents_of(self, group: str) -> frozenset[str]:
        known = self._parents.get(group)
        if known is None:
            if self._search.nested is NestedGroups.MEMBER_OF:
                entry = self._conversation.entry(group, [_MEMBER_OF])
                known = frozenset(() if entry is None else entry.texts(_MEMBER_OF))
            else:
                known = self._having(group)
            self._parents[group] = known
        return known

    def _having(self, dn: str) -> frozenset[str]:
        value = escaped_value(dn)
        found = self._conversation.search(
            self._search.base, f"(|(member={value})(uniqueMember={value}))", ["1.1"]
        )
        return frozenset(entry.dn for entry in found)

    def _in_chain(self, dn: str) -> set[str]:
        rule = f"(member:1.2.840.113556.1.4.1941:={escaped_value(dn)})"
        return {entry.dn for entry in self._conversation.search(self._search.base, rule, ["1.1"])}

    def _named(self, groups: Iterable[str]) -> frozenset[str]:
        """The names of the groups that lie under the base, and of no others."""
        under = (dn for dn in groups if lies_under(dn, self._search.base))
        return frozenset(dn if self._search.by_dn else parts_of(dn)[0][1] for dn in under)
