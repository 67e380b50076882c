"""Roles as those who administer them see and change them: each with where it lives, none beyond one's own.

Called by the administration API and its pages; calls `administer_roles`.

Invariants:
- nobody changes a role that they have, or one that carries what they do not hold for good, before or after.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pacsgate.model.built_in_roles import BUILT_IN_ROLES
from pacsgate.model.errors import NotFoundError
from pacsgate.model.permission import Permission
from pacsgate.model.role import Role
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.mandates import Mandate, own_roles


@dataclass(frozen=True, slots=True)
class KnownRole:
    """A role, and its place in a policy file: `None` for one that is kept here."""

    role: Role
    """Of a file, with all that it inherits; of those kept here, as it was defined."""
    place: str | None
    is_built_in: bool = False

    @property
    def is_kept_here(self) -> bool:
        """Whether it can be changed here."""
        return self.place is None and not self.is_built_in


@dataclass(frozen=True, slots=True)
class ManagedRoles:
    """The use case over one installation."""

    administration: Callable[[], RoleAdministration]

    def roles(self, mandate: Mandate) -> tuple[KnownRole, ...]:
        """Every role, by name."""
        places = mandate.policy.role_places
        of_files = [KnownRole(mandate.policy.roles[name], str(place)) for name, place in places.items()]
        kept = [KnownRole(role, None) for role in self.administration().roles(mandate.scope)]
        built_in = [KnownRole(role, None, is_built_in=True) for role in BUILT_IN_ROLES.values()]
        return tuple(sorted((*of_files, *kept, *built_in), key=lambda known: known.role.name))

    def role(self, mandate: Mandate, name: str) -> KnownRole:
        """The role of this name.  Raises `NotFoundError`."""
        for known in self.roles(mandate):
            if known.role.name == name:
                return known
        raise NotFoundError(f"no role is called `{name}`")

    def add(self, mandate: Mandate, role: Role) -> Role:
        """Define a role."""
        self._need_extended(mandate, role)
        self.administration().refuse_kept_back(mandate.scope, role)
        mandate.to_carry(_all_permissions(mandate, role))
        self.administration().add(mandate.change(), role)
        return role

    def change(self, mandate: Mandate, role: Role) -> Role:
        """Define a stored role anew."""
        before = self._reached(mandate, role.name)
        self._need_extended(mandate, role)
        self.administration().refuse_kept_back(mandate.scope, role)
        mandate.to_carry(_all_permissions(mandate, role))
        changed = replace(role, template=before.template)
        self.administration().change(mandate.change(), changed)
        return changed

    def remove(self, mandate: Mandate, name: str) -> None:
        """Remove a stored role that nobody has."""
        self._reached(mandate, name)
        self.administration().remove(mandate.change(), name)

    def _reached(self, mandate: Mandate, name: str) -> Role:
        known = self.role(mandate, name)
        if not known.is_kept_here:
            return known.role  # whoever asks is told where it is changed
        if name in own_roles(mandate.policy, mandate.caller):
            raise mandate.refused("nobody changes a role that they have: ask somebody else")
        mandate.to_give([name])
        return known.role

    def _need_extended(self, mandate: Mandate, role: Role) -> None:
        for name in sorted(role.extends - mandate.policy.roles.keys()):
            raise NotFoundError(f"no role is called `{name}`, so none can extend it")


def _all_permissions(mandate: Mandate, role: Role) -> frozenset[Permission]:
    """What the role would carry, with what it inherits."""
    roles = mandate.policy.roles
    return role.permissions.union(*(roles[name].permissions for name in role.extends if name in roles))
