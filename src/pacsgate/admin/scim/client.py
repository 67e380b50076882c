"""Who may ask the SCIM service, and on which source's behalf.

Made by `app` for every request.

Invariants:
- only a token of the very service account that the configuration names counts, never a browser's session;
- it needs the permission besides, so that taking the role away ends it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.subject import Credential, SubjectKind
from pacsgate.services.administration import Change
from pacsgate.services.callers import Caller
from pacsgate.services.mandates import Mandates
from pacsgate.services.provision_accounts import Origin
from pacsgate.services.provision_groups import Reach


@dataclass(frozen=True, slots=True)
class Binding:
    """One source of the configuration."""

    source: str
    account: str
    roles_at_most: frozenset[str] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attribute of policies to field of `EnterpriseUser`."""


@dataclass(frozen=True, slots=True)
class Client:
    """The client of one request."""

    caller: Caller
    binding: Binding
    reach: Reach

    @property
    def scope(self) -> TenantScope:
        """Whose accounts they are."""
        return self.caller.scope

    @property
    def origin(self) -> Origin:
        """On whose word accounts change."""
        return Origin(self.binding.source)

    def change(self) -> Change:
        """An order by the client."""
        return self.caller.change()


@dataclass(frozen=True, slots=True)
class Clients:
    """Tells clients by their accounts."""

    bindings: Mapping[tuple[TenantName, str], Binding]
    """By tenant and account."""
    mandates: Mandates

    def of(self, caller: Caller) -> Client:
        """The client.  Raises `RequestError` (403) for everybody else."""
        mandate = self.mandates.need(caller, Permission.ACCOUNT_PROVISION)
        subject = caller.subject
        binding = self.bindings.get((subject.tenant, subject.name))
        if (
            binding is None
            or subject.kind is not SubjectKind.SERVICE
            or subject.credential is not Credential.TOKEN
        ):
            raise RequestError(
                "no source is bound to this account: `identity.scim` names the service accounts", status=403
            )
        reach = Reach(mandate.policy, binding.roles_at_most, self.mandates.held(caller))
        return Client(caller, binding, reach)
