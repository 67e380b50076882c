"""SCIM groups: those that the client's source keeps, with its accounts as members.

Called by `app`, in a thread.

Standard: RFC 7644 3.3 to 3.6; RFC 7643 4.2.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scim2_models import (
    Context,
    InvalidValueException,
    Meta,
    MutabilityException,
    NotFoundException,
    PatchOp,
    UniquenessException,
)

from pacsgate.admin.scim.client import Client
from pacsgate.admin.scim.users import instant_id, user_id
from pacsgate.model.errors import ConflictError
from pacsgate.ports import UserRecord
from pacsgate.ports.groups import GroupRecord
from pacsgate.protocols.scim.questions import read_question, read_shown
from pacsgate.protocols.scim.resources import LENIENT, Group, Member
from pacsgate.services.administration import Office
from pacsgate.services.provision_groups import GroupProvisioning


@dataclass(frozen=True, slots=True)
class ScimGroups:
    """Reads and changes groups as one client."""

    client: Client
    office: Office
    provisioning: GroupProvisioning

    def find(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A page of groups."""
        question = read_question(Group, parameters)
        users = self._users()
        return question.answer(self._resource(group, users) for group in self._groups())

    def read(self, resource_id: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One group."""
        told: dict[str, Any] = self._resource(self._group(resource_id), self._users()).model_dump(
            scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=read_shown(Group, parameters)
        )
        return told

    def create(self, body: Any) -> dict[str, Any]:
        """Make a group."""
        asked = Group.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=LENIENT)
        members = self._names(asked)
        change, origin, reach = self.client.change(), self.client.origin, self.client.reach
        name = asked.display_name or ""
        try:
            group = self.provisioning.make(change, origin, reach, name, external_id=asked.external_id or "")
        except ConflictError as error:
            raise UniquenessException(detail=error.public) from None
        self.provisioning.fill(change, origin, reach, group, members)
        return self._told(group, Context.RESOURCE_CREATION_RESPONSE)

    def replace(self, resource_id: str, body: Any) -> dict[str, Any]:
        """Write a group anew."""
        group = self._group(resource_id)
        asked = Group.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=LENIENT)
        if asked.display_name != group.name:
            raise MutabilityException(detail="a group keeps the name: policies give roles by it")
        return self._told(self._written(group, asked), Context.RESOURCE_REPLACEMENT_RESPONSE)

    def patch(self, resource_id: str, body: Any) -> dict[str, Any]:
        """Change parts of a group, its members above all."""
        group = self._group(resource_id)
        operations = PatchOp[Group].model_validate(
            body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=LENIENT
        )
        resource = self._resource(group, self._users())
        operations.patch(resource, LENIENT)
        return self._told(self._written(group, resource), Context.RESOURCE_PATCH_RESPONSE)

    def remove(self, resource_id: str) -> None:
        """Remove a group."""
        self.provisioning.remove(self.client.change(), self.client.origin, self._group(resource_id))

    def _written(self, group: GroupRecord, asked: Group) -> GroupRecord:
        change, origin = self.client.change(), self.client.origin
        members = self._names(asked)
        told = self.provisioning.identify(change, origin, group, asked.external_id or "")
        self.provisioning.fill(change, origin, self.client.reach, told, members)
        return told

    def _names(self, asked: Group) -> frozenset[str]:
        """The accounts that are to be members."""
        known = {user_id(user): user.name for user in self._users()}
        wanted = [member.value for member in asked.members or ()]
        if not all(value in known for value in wanted):
            raise InvalidValueException(
                detail="members are users of this source, by their ids; groups hold no groups"
            )
        return frozenset(known[value] for value in wanted if value is not None)

    def _users(self) -> list[UserRecord]:
        source = self.client.binding.source
        return [user for user in self.office.directory.users(self.client.scope) if user.source == source]

    def _groups(self) -> tuple[GroupRecord, ...]:
        return self.provisioning.groups(self.client.scope, self.client.binding.source)

    def _group(self, resource_id: str) -> GroupRecord:
        for group in self._groups():
            if group_id(group) == resource_id:
                return group
        raise NotFoundException(detail="there is no such group")

    def _told(self, group: GroupRecord, context: Context) -> dict[str, Any]:
        told: dict[str, Any] = self._resource(group, self._users()).model_dump(scim_ctx=context)
        return told

    def _resource(self, group: GroupRecord, users: list[UserRecord]) -> Group:
        members = [_member(user) for user in users if group.name in user.groups]
        return Group(
            id=group_id(group),
            external_id=group.external_id or None,
            display_name=group.name,
            members=members or None,
            meta=Meta(
                resource_type="Group",
                location=f"/scim/v2/Groups/{group_id(group)}",
                created=group.created_at,
            ),
        )


def _member(user: UserRecord) -> Member:
    where = f"/scim/v2/Users/{user_id(user)}"
    return Member.model_validate({"value": user_id(user), "$ref": where, "type": "User"})


def group_id(group: GroupRecord) -> str:
    """The id of a group: of its name and of when it was made, as that of a user, and safe in an address."""
    named = f"{group.name}\n{instant_id(group.created_at)}"
    return hashlib.sha256(named.encode()).hexdigest()[:24]
