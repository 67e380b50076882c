"""Wires the issuers that the configuration names.

Called by `associations` and `doors`; checked by `errands` and by `pacsgate config check` before anything
is served.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.directories import ldap_sources
from pacsgate.bootstrap.identity_sources import claim_names, federated_accounts
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.openid import USUAL_NAME, bearer_issuers, introspection, openid_providers
from pacsgate.bootstrap.saml import saml_providers
from pacsgate.config import Settings
from pacsgate.config.identity import JwtIssuerSettings, SamlIssuerSettings
from pacsgate.identity.assertions.issuer_keys import IssuerKeys, KeysOfFile, PublishedKeys
from pacsgate.identity.assertions.issuers import JwtIssuer, SamlIssuer
from pacsgate.identity.assertions.json_web_tokens import JsonWebTokens
from pacsgate.identity.assertions.outside import Outside
from pacsgate.identity.assertions.saml import SamlAssertions
from pacsgate.identity.federation.bearer_door import BearerDoor
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.oidc.provider import OpenIdProvider
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.errors import SettingsError
from pacsgate.ports import Clock
from pacsgate.ports.assertions import AssertionVerifier
from pacsgate.ports.associations import UserIdentityType

_NAME_ID = ""


def check_issuers(settings: Settings) -> None:
    """Raise `SettingsError` for keys, certificates or secrets of an issuer that cannot be read."""
    assertion_verifiers(settings, SystemClock())
    ldap_sources(settings)
    saml_providers(settings)


def assertion_verifiers(settings: Settings, clock: Clock) -> Mapping[UserIdentityType, AssertionVerifier]:
    """What verifies assertions of each type, in associations.  Raises `SettingsError`."""
    issuers = settings.identity.issuers
    assertions = [_saml_issuer(issuer) for issuer in issuers if isinstance(issuer, SamlIssuerSettings)]
    providers = openid_providers(settings, clock)
    return {
        UserIdentityType.JWT: JsonWebTokens(token_issuers(settings, providers, clock)),
        UserIdentityType.SAML: SamlAssertions(assertions),
    }


def bearer_door(installation: Installation, last_recorded: datetime) -> BearerDoor:
    """Who verifies tokens of issuers in HTTP requests.  Raises `SettingsError`."""
    settings, clock = installation.settings, installation.clock
    providers = openid_providers(settings, clock)
    return BearerDoor(
        accounts=federated_accounts(installation),
        tokens=JsonWebTokens(token_issuers(settings, providers, clock)),
        introspection=introspection(settings, providers),
        record=SignInRecord(installation.trail),
        clock=clock,
        latest=LatestTime(last_recorded),
    )


def token_issuers(
    settings: Settings, providers: Mapping[str, OpenIdProvider], clock: Clock
) -> list[JwtIssuer]:
    """The issuers of signed tokens that requests and associations may carry."""
    issuers = settings.identity.issuers
    return [
        *(_jwt_issuer(issuer, clock) for issuer in issuers if isinstance(issuer, JwtIssuerSettings)),
        *bearer_issuers(settings, providers),
    ]


def _jwt_issuer(settings: JwtIssuerSettings, clock: Clock) -> JwtIssuer:
    return JwtIssuer(
        issuer=settings.issuer,
        audience=settings.audience,
        algorithms=frozenset(settings.algorithms),
        keys=_keys(settings, clock),
        names=claim_names(settings.claims, USUAL_NAME),
        name=settings.name,
        types=frozenset(settings.types),
    )


def _saml_issuer(settings: SamlIssuerSettings) -> SamlIssuer:
    return SamlIssuer(
        issuer=settings.issuer,
        audience=settings.audience,
        recipient=settings.recipient,
        certificates=_certificates(settings.certificates_file),
        names=claim_names(settings.claims, _NAME_ID),
        name=settings.name,
    )


def _keys(settings: JwtIssuerSettings, clock: Clock) -> IssuerKeys:
    if settings.keys_url is not None:
        return PublishedKeys(partial(_published, Outside(settings.ca_file), settings.keys_url), clock)
    if settings.keys_file is not None:
        return KeysOfFile(settings.keys_file)
    raise SettingsError(f"issuer `{settings.issuer}` has no keys")


def _published(outside: Outside, url: str) -> bytes | None:
    answer = outside.get(url)
    return None if answer is None or answer.status != HTTPStatus.OK else answer.body


def _certificates(path: Path) -> tuple[Certificate, ...]:
    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise SettingsError(f"cannot read the certificates `{path}`: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"`{path}` holds no certificates in PEM") from error
