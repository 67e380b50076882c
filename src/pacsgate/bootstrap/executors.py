"""The gate's own archives as PACSes: what carries out operations on them, and ends visits in time.

Everything is made anew for each command, over the policy that is live before its transaction begins.

Called by `pacs_queue`, which runs commands, by `background`, and by the agent that governs an installation
from outside.

Invariants:
- nothing goes into the trail before the transaction of its command is committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pacsgate.bootstrap import people
from pacsgate.bootstrap.identity_sources import role_ceilings, sign_in_sources, source_policies
from pacsgate.bootstrap.installation import Installation
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.access import FieldValue, PacsPlace
from pacsgate.model.errors import UnavailableError
from pacsgate.model.extension_fields import check_values
from pacsgate.model.pacs_operation import EntityKind
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.policy.policy import Policy
from pacsgate.ports.pacs_adapters import Command, Outcome, PacsAdapter, PacsEvent, PacsFeatures
from pacsgate.services.access.account_administrators import AccountAdministrators
from pacsgate.services.access.desk import OPERATIONS_OF_THE_DESK, AccessDesk
from pacsgate.services.access.image_accounts import ImageAccounts
from pacsgate.services.access.image_certificates import ImageCertificates
from pacsgate.services.access.image_credentials import ImageCredentials
from pacsgate.services.access.imaging import ImagingEffects
from pacsgate.services.access.rules import DeskRules
from pacsgate.services.access.work import FieldCheck
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Office
from pacsgate.services.pacs_queue.run_here import Executors
from pacsgate.services.reset_password import PasswordReset

_FEATURES = PacsFeatures(frozenset(OPERATIONS_OF_THE_DESK))


@dataclass(frozen=True, slots=True)
class ArchiveDesk:
    """`ports.pacs_adapters.PacsAdapter` of one archive of this installation."""

    installation: Installation
    place: PacsPlace
    check_fields: FieldCheck | None = None
    """Knows the extension fields, where another gate governs and those of its tenant are meant."""

    def features(self) -> PacsFeatures:
        """Every operation but to publish a policy, which has an interface of its own here."""
        return _FEATURES

    def execute(self, command: Command) -> Outcome:
        """Carry out a command."""
        return self._desk().execute(command)

    def tick(self) -> int:
        """End what time has ended; returns how many visits."""
        return self._desk().tick(self.place)

    def events(self, after: str | None) -> Sequence[PacsEvent]:  # noqa: ARG002 - there never is one
        """Nothing: what happens here is in the trail."""
        return ()

    def close(self) -> None:
        """The installation stays open."""

    def _desk(self) -> AccessDesk:
        opened = self.installation
        policy = opened.policy_of(self.place.scope)
        if policy is None:
            raise UnavailableError("no policy is active in this tenant")
        rules = DeskRules(zone=policy.timezone)
        check = self.check_fields or field_check(opened)
        effects = self._effects(policy)
        return AccessDesk(opened.stores.access, effects, opened.clock, rules, check)

    def _effects(self, policy: Policy) -> ImagingEffects:
        opened = self.installation
        stores, settings = opened.stores, opened.settings
        # What has not been committed must be in no process's memory: the live policy is not asked meanwhile.
        office = Office(stores.directory, _Later(), opened.trail, lambda _: policy, stores.permissions)
        passwords = people.passwords(settings)
        users = UserAdministration(office, passwords, sign_in_sources(settings))
        tokens = TokenAdministration(office, RandomTokens(), settings.identity.sessions.token_lifetime)
        resets = PasswordReset(office, users, passwords, stores.challenges, Attempts(stores.directory))
        accounts = ImageAccounts(stores.directory, users, stores.access, policy)
        authorities = {each.name for each in settings.identity.certificates}
        # Who asks at another gate is nobody's account here, so nobody there links certificates.
        sources = [
            each.name
            for each in source_policies(settings)
            if each.name in authorities and each.scope == self.place.scope and self.check_fields is None
        ]
        administrators = AccountAdministrators(
            LocalAccounts(stores.directory, role_ceilings(settings)), policy
        )
        certificates = ImageCertificates(
            stores.directory, stores.identity_links, sources, administrators.include
        )
        made = ImageCredentials(stores.directory, accounts, tokens, resets, certificates)
        return ImagingEffects(stores.directory, stores.index, accounts, made, policy, opened.office.publish)


class _Later:
    """An outbox that looks empty: what is in it is delivered after the commit."""

    def pending(self, limit: int = 100) -> tuple[tuple[int, bytes], ...]:  # noqa: ARG002 - the port's
        """Nothing yet."""
        return ()

    def delivered(self, ids: Sequence[int]) -> None:
        """Nothing was."""


def executors(installation: Installation) -> Executors:
    """What carries out operations here: on the archives of the configuration file, and on no other PACS."""

    def find(tenant: TenantName, pacs: ArchiveName) -> PacsAdapter | None:
        if not installation.tenant_archives.has(TenantScope(tenant), pacs):
            return None
        return ArchiveDesk(installation, PacsPlace(tenant, pacs))

    return find


def end_visits(installation: Installation) -> int:
    """End, in every archive, the visits whose time is over; returns how many.

    One that is in the configuration no more has visits still, and accounts that they opened.
    """
    now, archives = installation.clock.now(), installation.tenant_archives
    return sum(
        ArchiveDesk(installation, PacsPlace(scope.tenant, archive)).tick()
        for scope in installation.scopes()
        if installation.policy_of(scope) is not None
        for archive in {*archives.of(scope), *installation.stores.access.overdue_at(scope, now)}
    )


def field_check(installation: Installation) -> FieldCheck:
    """What checks values of tenants' extension fields."""

    def check(tenant: TenantName, kind: EntityKind, values: Mapping[str, object]) -> Mapping[str, FieldValue]:
        record = installation.stores.tenants.tenant(TenantScope(tenant))
        if record is None:
            return check_values({}, values)
        wanted = record.visit_fields if kind is EntityKind.VISIT else record.identity_fields
        return check_values(wanted, values)

    return check
