"""A gate with several tenants: people with the default roles, at places that each knows or does not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pacsgate.bootstrap import tenancy
from pacsgate.bootstrap.pacs_registry import pacses
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR, TENANT_ADMINISTRATOR
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.resource import DEFAULT_TENANT, PLATFORM_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.policy.base import base_sources
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administer_tenants import NewTenant
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from tests.support.administered_gate import AdministeredGate, administered_gate

OWN, FOREIGN, UNKNOWN = DEFAULT_TENANT, TenantName("south"), TenantName("nowhere")
HERE, THERE, NONE = "doors", "gates", "void"
"""PACSes of the tenant `default`: where somebody administers, another one, and none at all."""
ARCHIVE = "main"
"""The archive of the configuration file."""
FOREIGN_PACS = "barriers"
REGISTRATOR, AGENT = "ops", "doors-agent"


@dataclass
class TenantedGate:
    """The gate, with tokens of everybody."""

    gate: AdministeredGate

    def order(self, tenant: TenantName = OWN) -> Change:
        installation = self.gate.opened.installation
        return Change(TenantScope(tenant), installation.actor(), installation.clock.now())

    def enter(self, name: str, tenant: TenantName = OWN) -> str:
        """Lets an account that there is be asked for by its name."""
        office, order = self.gate.office, self.order(tenant)
        issued = TokenAdministration(office, RandomTokens()).issue(
            order, name, label="t", expires_at=order.at + timedelta(days=1)
        )
        self.gate.tokens[name] = issued.text
        return name

    def holder(self, name: str, role: str, pacs: str | None = None, tenant: TenantName = OWN) -> str:
        """A new account with one role."""
        users = UserAdministration(self.gate.office, Argon2Passwords())
        users.add(self.order(tenant), name)
        scope = AssignmentScope(None if pacs is None else ArchiveName(pacs))
        users.assign(self.order(tenant), name, Assignment(role, scope))
        return self.enter(name, tenant)

    def register(self, tenant: TenantName, administrator: str) -> str:
        """A new tenant, whose administrator comes in."""
        installation = self.gate.opened.installation
        tenancy.tenants(installation).register(self.order(tenant), NewTenant(tenant.title(), administrator))
        return self.enter(administrator, tenant)

    def pacs(self, pacs: str, agent: str, tenant: TenantName = OWN) -> None:
        """A new PACS behind an agent."""
        record = PacsRecord(ArchiveName(pacs), pacs.title(), PacsKind.DOORS, agent)
        pacses(self.gate.opened.installation).register(self.order(tenant), record)


@contextmanager
def tenanted_gate(directory: Path) -> Iterator[TenantedGate]:
    with administered_gate(directory) as gate:
        made = TenantedGate(gate)
        installation = gate.opened.installation
        platform = TenantScope(PLATFORM_TENANT)
        installation.publisher.publish(platform, base_sources([REGISTRATOR]), installation.actor())
        UserAdministration(gate.office, Argon2Passwords()).add(made.order(PLATFORM_TENANT), REGISTRATOR)
        made.enter(REGISTRATOR, PLATFORM_TENANT)
        made.register(FOREIGN, "sarah")
        made.pacs(FOREIGN_PACS, "barriers-agent", FOREIGN)
        made.pacs(HERE, AGENT)
        made.pacs(THERE, "gates-agent")
        made.enter(AGENT)
        made.holder("tina", TENANT_ADMINISTRATOR)
        made.holder("pete", PACS_ADMINISTRATOR, HERE)
        made.holder("tilda", TENANT_ADMINISTRATOR, HERE)
        yield made
