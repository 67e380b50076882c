"""Passwords that are kept elsewhere: which source is asked about whom, and the account that it vouches for.

A name belongs to one source of its tenant.  An account says which one keeps it, and only that one is asked;
an account of the gate without a password is asked about at the sources that may sign in accounts of the
gate; and a name that nobody has here is asked about at one source after the other, until one knows it.

A failed sign-in about which no source was asked waits for one all the same, which is shown a name and a
password that are made up: asking takes time, and would tell the tenants that have sources from those that
do not exist, and names with a password here from names without.

Called by `password_door`, which has looked for locks before and counts failures afterwards.

Invariants:
- while a source that may know a name cannot be asked, that name lets nobody in, at no later source either;
- whoever has a password here is never asked about elsewhere;
- a source is shown what was typed for its own tenant only.

Standard: OWASP ASVS 5.0 6.3.8.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b

from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.identity.ldap.people import spelled
from pacsgate.identity.refusals import Cause
from pacsgate.identity.subjects import earliest
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope
from pacsgate.model.subject import Credential
from pacsgate.model.tenant_names import read_sign_in_name
from pacsgate.ports import Directory, UserRecord
from pacsgate.ports.assertions import AssertionFault, Claims
from pacsgate.ports.identity_sources import PasswordSource

_LETTER = re.compile(r"[^\W_]")
"""What is replaced in names and passwords; other characters may end the asking early, and stay."""
_NOBODYS_BYTES = 8


class OutsidePasswords:
    """The sources that verify passwords, in the order of the configuration."""

    def __init__(
        self, sources: Iterable[PasswordSource], accounts: FederatedAccounts, directory: Directory
    ) -> None:
        known = [(source, accounts.source(source.name)) for source in sources]
        self._sources: Sequence[tuple[PasswordSource, SourcePolicy]] = [
            (source, policy) for source, policy in known if policy is not None
        ]
        self._tenants = sorted({policy.tenant for _, policy in self._sources})
        self._accounts = accounts
        self._directory = directory

    def claimed(self, scope: TenantScope, name: str) -> str:
        """A claimed name, as it is looked up and counted: one that nobody has here as directories spell it.

        So that whoever guesses cannot have a new count for each way to write a name.  In every tenant, for
        the counts would tell which of them have a directory.
        """
        if not self._sources or self._directory.user(scope, name) is not None:
            return name
        _, account = _spoken_of(scope, name)
        return name.removesuffix(account) + spelled(account)

    def keeps(self, scope: TenantScope, user: UserRecord | None, name: str) -> bool:
        """Whether the password of this account (or of a name without one) is kept elsewhere."""
        return bool(self._asked_about(scope, user, name))

    def verify(
        self, scope: TenantScope, user: UserRecord | None, name: str, password: str, context: Context
    ) -> UserRecord | Cause:
        """The account whose password this is, with the source that vouches for it."""
        for source, policy in self._asked_about(scope, user, name):
            found = source.verify(name, password, context.now)
            if isinstance(found, Claims):
                return self._admitted(policy, found, context)
            if found is not AssertionFault.UNKNOWN_PERSON:
                return Cause.of_assertion(found)
        return Cause.UNKNOWN_USER

    def pretend(self, scope: TenantScope, name: str, password: str, context: Context) -> None:
        """Ask as about a name that nobody has, so that this failure takes as long as others do."""
        tenant, account = _spoken_of(scope, name)
        made_up, untyped = _made_up_name(account), _LETTER.sub("x", password)
        for source, _ in self._of(TenantScope(self._like(tenant)), made_up):
            if source.verify(made_up, untyped, context.now) is not AssertionFault.UNKNOWN_PERSON:
                return

    def _like(self, tenant: TenantName) -> TenantName:
        """Whose sources a tenant is as slow as: its own, or always the same ones of somebody else."""
        if not self._tenants or tenant in self._tenants:
            return tenant
        names = "/".join(source.name for source, _ in self._sources).encode()  # what no stranger knows
        digest = blake2b(tenant.encode("utf-8", "surrogatepass"), key=names[:64]).digest()
        return self._tenants[int.from_bytes(digest) % len(self._tenants)]

    def _of(self, scope: TenantScope, name: str) -> Sequence[tuple[PasswordSource, SourcePolicy]]:
        """The sources of a tenant; about a name that no account can bear, nobody is asked."""
        if "/" in name:
            return ()
        return [(source, policy) for source, policy in self._sources if policy.tenant == scope.tenant]

    def _asked_about(
        self, scope: TenantScope, user: UserRecord | None, name: str
    ) -> Sequence[tuple[PasswordSource, SourcePolicy]]:
        sources = self._of(scope, name)
        if user is None:
            return sources
        if user.password_hash is not None:
            return ()
        return [(source, policy) for source, policy in sources if policy.may_name(user.source)]

    def _admitted(self, policy: SourcePolicy, claims: Claims, context: Context) -> UserRecord | Cause:
        scope = policy.scope
        subject = self._accounts.admit(policy, claims, Credential.PASSWORD, context)
        if isinstance(subject, Cause):
            return subject
        account = self._directory.user(scope, subject.name)
        if account is None:
            return Cause.UNKNOWN_USER
        return replace(account, source=policy.name, until=earliest(account.until, subject.valid_until))


def _spoken_of(scope: TenantScope, name: str) -> tuple[TenantName, str]:
    """Tenant and account of a stated name, of which a tenant that does not exist is still a part."""
    return read_sign_in_name(name) if scope.tenant == DEFAULT_TENANT else (scope.tenant, name)


def _made_up_name(name: str) -> str:
    """A name that nobody has, as long as what was typed unless that is short, and as odd."""
    if not name:
        return name
    nobodys = secrets.token_hex(_NOBODYS_BYTES)
    return (nobodys + _LETTER.sub("x", name))[: max(len(nobodys), len(name))]
