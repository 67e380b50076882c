"""The identity sources of the configuration as the rules that each is held to.

Called by `associations`, `doors` and `gate`; each kind of source is one line here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pacsgate.bootstrap.installation import Installation
from pacsgate.config import Settings
from pacsgate.config.certificates import CertificateSourceSettings
from pacsgate.config.identity import JwtIssuerSettings
from pacsgate.config.oidc import OpenIdSettings
from pacsgate.config.sources import ClaimSettings, SigningSourceSettings, SourceSettings
from pacsgate.identity.assertions.issuers import ClaimNames
from pacsgate.identity.certificates.source import METHODS_OF_LEVEL
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.source_policy import GATE, AccountsMode, SourcePolicy
from pacsgate.identity.subjects import RoleCeilings
from pacsgate.model.resource import TenantScope

_THE_GATE = "local"


def source_policies(settings: Settings) -> tuple[SourcePolicy, ...]:
    """The rules of every source, of whatever kind."""
    return tuple(_policies(settings))


def role_ceilings(settings: Settings) -> RoleCeilings:
    """Every source, with the roles that it may bring at most."""
    return {policy.name: policy.role_ceiling for policy in source_policies(settings)}


def sign_in_sources(settings: Settings) -> frozenset[str]:
    """The sources at which people sign in: a SCIM client only says who they are."""
    return frozenset(role_ceilings(settings)) - {client.name for client in settings.identity.scim}


def source_scopes(settings: Settings) -> Mapping[str, TenantScope]:
    """Every source, with whose people it knows."""
    return {policy.name: policy.scope for policy in source_policies(settings)}


def federated_accounts(installation: Installation) -> FederatedAccounts:
    """Who makes accounts and subjects of what sources say."""
    stores = installation.stores
    return FederatedAccounts(stores.directory, stores.identity_links, source_policies(installation.settings))


def source_policy(source: SourceSettings, *, scopes_bound: bool = False) -> SourcePolicy:
    """The rules of one source."""
    return replace(
        _trusted(source),
        believed_methods=frozenset(source.methods),
        methods_of_acr={name: frozenset(methods) for name, methods in source.acr.items()},
        scopes_bound=scopes_bound,
    )


def claim_names(settings: ClaimSettings, usual: str) -> ClaimNames:
    """Where a source puts what is wanted; `usual` is where the name is if nothing is said."""
    return ClaimNames(
        name=settings.name or usual,
        groups=settings.groups,
        attributes=settings.attributes,
        external_id=settings.id or "sub",
        required={path: frozenset(values) for path, values in settings.required.items()},
    )


def certificate_policy(source: CertificateSourceSettings) -> SourcePolicy:
    """The rules of one authority of client certificates, which prove what the configuration says they do."""
    return replace(_trusted(source), believed_methods=METHODS_OF_LEVEL[source.level])


def _trusted(source: SigningSourceSettings) -> SourcePolicy:
    return SourcePolicy(
        name=source.name,
        accounts=AccountsMode(source.accounts),
        signs_in=frozenset(GATE if name == _THE_GATE else name for name in source.signs_in),
        role_ceiling=_ceiling(source.roles_at_most),
        tenant=source.tenant,
    )


def _ceiling(roles_at_most: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if roles_at_most is None else frozenset(roles_at_most)


def _policies(settings: Settings) -> Iterator[SourcePolicy]:
    identity = settings.identity
    for source in (*identity.openid, *identity.ldap, *identity.saml, *identity.issuers):
        bound = isinstance(source, OpenIdSettings | JwtIssuerSettings) and source.scopes_bound
        yield source_policy(source, scopes_bound=bound)
    for authority in identity.certificates:
        yield certificate_policy(authority)
    for client in identity.scim:  # it signs nobody in, and bounds the accounts that it makes
        yield SourcePolicy(client.name, role_ceiling=_ceiling(client.roles_at_most), tenant=client.tenant)
