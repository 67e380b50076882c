"""SCIM users: the accounts of the client's source.

Called by `app`, in a thread.

Invariants:
- an account of another source, or the gate's own, is as if it were not there.

Standard: RFC 7644 3.3 to 3.6.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scim2_models import (
    Context,
    Meta,
    MutabilityException,
    NotFoundException,
    PatchOp,
    UniquenessException,
)

from pacsgate.admin.scim.client import Client
from pacsgate.model.errors import ConflictError
from pacsgate.ports import UserRecord
from pacsgate.ports.identity_sources import IdentityLinks, SourceAccount
from pacsgate.protocols.scim.questions import Question, read_question, read_shown
from pacsgate.protocols.scim.resources import LENIENT, EnterpriseUser, Membership, Person
from pacsgate.services.administration import Office
from pacsgate.services.provision_accounts import Provisioning

_SAID = frozenset({"display_name", "attributes"})


@dataclass(frozen=True, slots=True)
class ScimUsers:
    """Reads and changes accounts as one client."""

    client: Client
    office: Office
    links: IdentityLinks
    provisioning: Provisioning

    def find(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A page of accounts."""
        question = read_question(Person, parameters)
        return question.answer(self._resources(self._candidates(question)))

    def read(self, resource_id: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One account."""
        told: dict[str, Any] = self._resource(self._user(resource_id)).model_dump(
            scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=read_shown(Person, parameters)
        )
        return told

    def create(self, body: Any) -> dict[str, Any]:
        """Make an account."""
        asked = Person.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=LENIENT)
        name = asked.user_name or ""
        self.client.reach.refuse_beyond(name=name)
        if any(user.name.casefold() == name.casefold() for user in self._all()):
            raise UniquenessException(detail=f"there is an account `{name}` already")
        change = self.client.change()
        person = SourceAccount(
            asked.external_id or _id(name, change.at),
            name,
            asked.display_name or "",
            active=asked.active is not False,
            attributes=self._attributes(asked),
        )
        try:
            user = self.provisioning.join(change, self.client.origin, person)
        except ConflictError as error:
            raise UniquenessException(detail=error.public) from None
        return _told(self._resource(user), Context.RESOURCE_CREATION_RESPONSE)

    def replace(self, resource_id: str, body: Any) -> dict[str, Any]:
        """Write an account anew."""
        user = self._user(resource_id)
        asked = Person.model_validate(
            body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=LENIENT
        )
        if asked.user_name != user.name:
            raise MutabilityException(detail="a user keeps the name: it stands in policies and in the record")
        return _told(self._written(user, asked), Context.RESOURCE_REPLACEMENT_RESPONSE)

    def patch(self, resource_id: str, body: Any) -> dict[str, Any]:
        """Change parts of an account."""
        user = self._user(resource_id)
        operations = PatchOp[Person].model_validate(
            body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=LENIENT
        )
        resource = self._resource(user)
        operations.patch(resource, LENIENT)
        return _told(self._written(user, resource), Context.RESOURCE_PATCH_RESPONSE)

    def remove(self, resource_id: str) -> None:
        """Remove an account."""
        self.provisioning.remove(self.client.change(), self.client.origin, self._user(resource_id))

    def _written(self, user: UserRecord, asked: Person) -> Person:
        change, origin = self.client.change(), self.client.origin
        external_id = asked.external_id or user_id(user)
        self.provisioning.identify(change, origin, user, external_id)
        person = SourceAccount(
            external_id,
            user.name,
            asked.display_name or "",
            active=not user.disabled if asked.active is None else asked.active,
            attributes=self._attributes(asked),
        )
        return self._resource(self.provisioning.update(change, origin, user, person, speaks_of=_SAID))

    def _candidates(self, question: Question[Person]) -> Iterable[UserRecord]:
        """The accounts among which the answer is: few, where the question names one."""
        kept = [user for user in self._all() if user.source == self.client.binding.source]
        name = question.equals("userName")
        if name is not None:
            return [user for user in kept if user.name.casefold() == name.casefold()]
        external_id = question.equals("externalId")
        if external_id is not None:
            link = self.links.linked(self.client.scope, self.client.binding.source, external_id)
            return [user for user in kept if link is not None and user.name == link.user]
        return kept

    def _all(self) -> tuple[UserRecord, ...]:
        return self.office.directory.users(self.client.scope)

    def _user(self, resource_id: str) -> UserRecord:
        name, _, _ = resource_id.rpartition(".")
        user = self.office.directory.user(self.client.scope, name)
        if user is None or user.source != self.client.binding.source or user_id(user) != resource_id:
            raise NotFoundException(detail="there is no such user")
        return user

    def _resources(self, users: Iterable[UserRecord]) -> Iterable[Person]:
        links = self.links.links(self.client.scope, source=self.client.binding.source)
        known = {link.user: link.external_id for link in links}
        return (self._person(user, known.get(user.name)) for user in users)

    def _resource(self, user: UserRecord) -> Person:
        links = self.links.links(self.client.scope, source=self.client.binding.source, user=user.name)
        return self._person(user, next((link.external_id for link in links), None))

    def _person(self, user: UserRecord, external_id: str | None) -> Person:
        where = {
            field: next((str(value) for value in sorted(user.attributes[name], key=str)), None)
            for name, field in self.client.binding.attributes.items()
            if name in user.attributes
        }
        person = Person(
            id=user_id(user),
            external_id=None if external_id == user_id(user) else external_id,
            user_name=user.name,
            display_name=user.display_name or None,
            active=not user.disabled,
            groups=[
                Membership.model_validate({"value": name, "display": name}) for name in sorted(user.groups)
            ]
            or None,
            meta=Meta(
                resource_type="User", location=f"/scim/v2/Users/{user_id(user)}", created=user.created_at
            ),
        )
        if where:
            person[EnterpriseUser] = EnterpriseUser.model_validate(where)
        return person

    def _attributes(self, asked: Person) -> dict[str, frozenset[str | int | float | bool]]:
        """What the client says of them; no value where it says none."""
        extension = asked[EnterpriseUser]
        said = {
            name: None if extension is None else getattr(extension, field)
            for name, field in self.client.binding.attributes.items()
        }
        return {name: frozenset() if text is None else frozenset({text}) for name, text in said.items()}


def user_id(user: UserRecord) -> str:
    """The id of an account: its name and when it was made, since a later one is somebody else."""
    return _id(user.name, user.created_at)


def _id(name: str, made_at: datetime | None) -> str:
    return f"{name}.{instant_id(made_at)}"


def instant_id(at: datetime | None) -> str:
    """An instant as part of an id."""
    return "0" if at is None else f"{int(at.timestamp() * 1000):x}"


def _told(resource: Person, context: Context) -> dict[str, Any]:
    told: dict[str, Any] = resource.model_dump(scim_ctx=context)
    return told
