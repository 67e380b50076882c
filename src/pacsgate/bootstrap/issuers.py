"""Wires the issuers that the configuration names.

Called by `associations`; checked by `supervisor` and by `pacsgate config check` before anything is served.
"""

from collections.abc import Mapping
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.config import Settings
from pacsgate.config.identity import ClaimSettings, JwtIssuerSettings, SamlIssuerSettings
from pacsgate.identity.assertions.issuer_keys import IssuerKeys, KeysOfFile, PublishedKeys
from pacsgate.identity.assertions.issuers import ClaimNames, JwtIssuer, SamlIssuer
from pacsgate.identity.assertions.json_web_tokens import JsonWebTokens
from pacsgate.identity.assertions.key_fetching import fetcher
from pacsgate.identity.assertions.saml import SamlAssertions
from pacsgate.model.errors import SettingsError
from pacsgate.ports import Clock
from pacsgate.ports.assertions import AssertionVerifier
from pacsgate.ports.associations import UserIdentityType

_USUAL_NAME = "preferred_username"
_NAME_ID = ""


def check_issuers(settings: Settings) -> None:
    """Raise `SettingsError` for keys or certificates of an issuer that cannot be read."""
    assertion_verifiers(settings, SystemClock())


def assertion_verifiers(settings: Settings, clock: Clock) -> Mapping[UserIdentityType, AssertionVerifier]:
    """What verifies assertions of each type.  Raises `SettingsError`."""
    issuers = settings.identity.issuers
    tokens = [_jwt_issuer(issuer, clock) for issuer in issuers if isinstance(issuer, JwtIssuerSettings)]
    assertions = [_saml_issuer(issuer) for issuer in issuers if isinstance(issuer, SamlIssuerSettings)]
    return {
        UserIdentityType.JWT: JsonWebTokens(tokens),
        UserIdentityType.SAML: SamlAssertions(assertions),
    }


def _jwt_issuer(settings: JwtIssuerSettings, clock: Clock) -> JwtIssuer:
    return JwtIssuer(
        issuer=settings.issuer,
        audience=settings.audience,
        algorithms=frozenset(settings.algorithms),
        keys=_keys(settings, clock),
        names=_names(settings.claims, _USUAL_NAME),
        makes_accounts=settings.accounts == "claims",
    )


def _saml_issuer(settings: SamlIssuerSettings) -> SamlIssuer:
    return SamlIssuer(
        issuer=settings.issuer,
        audience=settings.audience,
        recipient=settings.recipient,
        certificates=_certificates(settings.certificates_file),
        names=_names(settings.claims, _NAME_ID),
        makes_accounts=settings.accounts == "claims",
    )


def _keys(settings: JwtIssuerSettings, clock: Clock) -> IssuerKeys:
    if settings.keys_url is not None:
        return PublishedKeys(fetcher(settings.keys_url, settings.ca_file), clock)
    if settings.keys_file is not None:
        return KeysOfFile(settings.keys_file)
    raise SettingsError(f"issuer `{settings.issuer}` has no keys")


def _names(settings: ClaimSettings, usual: str) -> ClaimNames:
    return ClaimNames(settings.name or usual, settings.groups, settings.attributes)


def _certificates(path: Path) -> tuple[Certificate, ...]:
    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise SettingsError(f"cannot read the certificates `{path}`: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"`{path}` holds no certificates in PEM") from error
