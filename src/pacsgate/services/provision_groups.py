"""The groups that a source keeps, and how far a source may reach by them.

Groups become roles by the assignments of the policy, so whoever may fill a group gives roles.  A source
that is bound to some roles gives no others; one that is not gives none that carries a permission on the
system which its own client does not hold.  The same goes for a name: a policy may give roles to somebody
who has no account yet.

Called by the SCIM service.

Invariants:
- only accounts and groups of the source itself are put together.

Standard: NIST SP 800-53 AC-6 (least privilege).
"""

from dataclasses import dataclass

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantScope
from pacsgate.policy.policy import Policy
from pacsgate.ports.groups import GroupRecord, Groups
from pacsgate.services.administration import Change, Office, words
from pacsgate.services.provision_accounts import Origin

LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Reach:
    """Which roles a source may bring, by groups or by names."""

    policy: Policy
    roles_at_most: frozenset[str] | None
    """Those of the configuration; `None` for no such bound."""
    held: frozenset[Permission]
    """What the source's client holds itself."""

    def refuse_beyond(self, *, group: str | None = None, name: str | None = None) -> None:
        """Raise `RequestError` (403) if a member of this group, or somebody of this name, gets too much."""
        given = {
            assigned.assignment.role
            for assigned in self.policy.assignments
            if group in assigned.groups or name in assigned.users
        }
        beyond = {role for role in given if self._is_beyond(role)}
        if beyond:
            what = f"group `{group}`" if name is None else f"the name `{name}`"
            raise RequestError(
                f"{what} carries roles that this source may not give: {words(beyond)}", status=403
            )

    def _is_beyond(self, role: str) -> bool:
        if self.roles_at_most is not None:
            return role not in self.roles_at_most
        defined = self.policy.roles.get(role)
        return defined is not None and not defined.permissions <= self.held


class GroupProvisioning:
    """Changes the groups of sources."""

    def __init__(self, office: Office, groups: Groups) -> None:
        self._office = office
        self._groups = groups

    def groups(self, scope: TenantScope, source: str) -> tuple[GroupRecord, ...]:
        """Those that the source keeps."""
        return tuple(group for group in self._groups.groups(scope) if group.source == source)

    def members(self, scope: TenantScope, group: GroupRecord) -> frozenset[str]:
        """The accounts of the source that are in its group."""
        return frozenset(
            user.name
            for user in self._office.directory.users(scope)
            if user.source == group.source and group.name in user.groups
        )

    def make(
        self, change: Change, origin: Origin, reach: Reach, name: str, *, external_id: str = ""
    ) -> GroupRecord:
        """Make a group.  Raises `ConflictError` for a name that is taken, or that accounts are in already."""
        if not name.isprintable() or name != name.strip() or not 0 < len(name) <= LONGEST_NAME:
            raise RequestError(
                f"a group's name has 1 to {LONGEST_NAME} characters in one line, none a space at an end"
            )
        reach.refuse_beyond(group=name)
        if any(name in user.groups for user in self._office.directory.users(change.scope)):
            raise ConflictError(f"there are members of a group `{name}` that `{origin.source}` does not keep")
        group = GroupRecord(name, name, origin.source, external_id, change.at)
        self._groups.add_group(change.scope, group, _event(change, "group added", name, origin))
        self._office.publish()
        return group

    def identify(self, change: Change, origin: Origin, group: GroupRecord, external_id: str) -> GroupRecord:
        """Keep what the source calls its group by now."""
        told = GroupRecord(group.name, group.display_name, group.source, external_id, group.created_at)
        if told != group:
            event = _event(change, "group changed", group.name, origin, external_id=external_id)
            self._groups.change_group(change.scope, told, event)
            self._office.publish()
        return told

    def fill(
        self, change: Change, origin: Origin, reach: Reach, group: GroupRecord, members: frozenset[str]
    ) -> None:
        """Make these, and nobody else, members.  Raises `RequestError` for who is not the source's."""
        before = self.members(change.scope, group)
        add, remove = members - before, before - members
        if not add and not remove:
            return
        if add:
            reach.refuse_beyond(group=group.name)
        known = {
            user.name for user in self._office.directory.users(change.scope) if user.source == group.source
        }
        if not add <= known:
            raise RequestError(f"no such accounts of `{group.source}`: {words(add - known)}")
        event = _event(change, "members", group.name, origin, joined=words(add), left=words(remove))
        self._groups.change_members(change.scope, group.name, add=add, remove=remove, event=event)
        self._office.publish()

    def remove(self, change: Change, origin: Origin, group: GroupRecord) -> None:
        """Remove a group; nobody is in it any more."""
        if group.source != origin.source:
            raise NotFoundError(f"there is no group `{group.name}` of `{origin.source}`")
        self._groups.remove_group(
            change.scope, group.name, _event(change, "group removed", group.name, origin)
        )
        self._office.publish()


def _event(change: Change, word: str, name: str, origin: Origin, **details: str) -> AuditEvent:
    return change.event(EventKind.ROLE_CHANGED, word, name, study=None, **origin.details, **details)
