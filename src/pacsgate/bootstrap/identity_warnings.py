"""What of `identity` reads well and yet means nothing: names that nobody bears, cards that nobody asks for.

Roles may stand in the database and lists of people in files, which are not opened to check a configuration:
so these are warnings and no refusals.

Called by `pacsgate config check` and `pacsgate link add`, and at the start of `pacsgate serve`.
"""

from collections.abc import Iterator, Mapping

from pacsgate.bootstrap.identity_sources import source_scopes
from pacsgate.config import Settings
from pacsgate.config.certificates import CertificateSourceSettings
from pacsgate.config.ldap import LdapSettings
from pacsgate.config.oidc import OpenIdSettings
from pacsgate.config.saml import SamlSettings
from pacsgate.config.scim import ScimSettings
from pacsgate.config.tls import ClientCertificate
from pacsgate.model.resource import TenantScope
from pacsgate.policy.policy import Policy

_OWN = "local"

_SigningIn = OpenIdSettings | LdapSettings | SamlSettings | CertificateSourceSettings


def configured_sources(settings: Settings) -> frozenset[str]:
    """The names of all identity sources of the configuration; lists of people in files are not among them."""
    named = [source.name for source in _signing_in(settings)]
    named += [source.name for source in settings.identity.scim]
    return frozenset(named + [issuer.name for issuer in settings.identity.issuers])


def identity_warnings(settings: Settings, policies: Mapping[TenantScope, Policy]) -> Iterator[str]:
    """What somebody probably meant otherwise; of tenants whose policy is not at hand roles are not judged."""
    yield from _unknown_roles(settings, policies)
    yield from _unknown_sources(settings)
    yield from _certificates_unseen(settings)


def _signing_in(settings: Settings) -> tuple[_SigningIn, ...]:
    identity = settings.identity
    return (*identity.openid, *identity.ldap, *identity.saml, *identity.certificates)


def _unknown_roles(settings: Settings, policies: Mapping[TenantScope, Policy]) -> Iterator[str]:
    everywhere = frozenset[str]().union(*(policy.roles for policy in policies.values()))
    named = [(role, "`identity.sessions.roles`", everywhere) for role in settings.identity.sessions.roles]
    scopes = source_scopes(settings)
    sources: tuple[_SigningIn | ScimSettings, ...] = (*_signing_in(settings), *settings.identity.scim)
    for source in sources:
        policy = policies.get(scopes[source.name])
        if policy is not None:
            where, known = f"`roles_at_most` of `{source.name}`", frozenset(policy.roles)
            named += [(role, where, known) for role in source.roles_at_most or ()]
    for role, where, known in named:
        if role not in known:
            yield (
                f"{where} names `{role}`, which no policy file defines: "
                "it counts for nothing unless `pacsgate role list` shows it"
            )


def _unknown_sources(settings: Settings) -> Iterator[str]:
    known = configured_sources(settings) | {_OWN}
    for source in _signing_in(settings):
        for name in source.signs_in:
            if name not in known:
                yield (
                    f"`signs_in` of `{source.name}` names `{name}`, which is no source here: "
                    "right only for a list that `pacsgate user sync --source` reads"
                )


def _certificates_unseen(settings: Settings) -> Iterator[str]:
    if not settings.identity.certificates or settings.client_certificate_header is not None:
        return
    asked = (listener.tls.client_certificate for listener in settings.listeners if listener.tls is not None)
    if all(answer is ClientCertificate.NONE for answer in asked):
        yield (
            "`identity.certificates` is never used: no listener asks for certificates "
            "(`tls: {client_certificate: optional}`) and no proxy hands them on (`client_certificate_header`)"
        )
