"""One identity provider, as its metadata and the configuration describe it, and the gate as it knows it.

Made by `bootstrap`; read by the modules beside it.

Standard: SAML 2.0 Metadata; SAML 2.0 Bindings 3.4 (redirect), 3.5 (POST).
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import xmlsec
from cryptography.x509 import Certificate, load_der_x509_certificate
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from pacsgate.identity.assertions.issuers import ClaimNames, SamlIssuer

SIGNATURE = OneLogin_Saml2_Constants.RSA_SHA256
SIGNATURES = frozenset(
    {
        OneLogin_Saml2_Constants.RSA_SHA256,
        OneLogin_Saml2_Constants.RSA_SHA384,
        OneLogin_Saml2_Constants.RSA_SHA512,
    }
)
"""Of queries; responses are signed as `assertions.saml` says."""
BROKEN = (
    OneLogin_Saml2_Error,
    OneLogin_Saml2_ValidationError,
    xmlsec.Error,
    etree.LxmlError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
)
"""What python3-saml raises for documents that it cannot read or decrypt."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """What the gate signs its requests with, and what assertions are encrypted for: PEM."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SamlDescription:
    """What is configured of a provider."""

    name: str
    title: str
    base_url: str
    """How browsers reach the gate, without a slash at the end."""
    metadata: bytes
    """What the provider publishes about itself."""
    names: ClaimNames
    numbers: frozenset[str] = frozenset()
    """Attributes of policies that are numbers there."""
    own_key: OwnKey | None = None
    ask_contexts: Sequence[str] = ()
    name_id_format: str = OneLogin_Saml2_Constants.NAMEID_UNSPECIFIED


class SamlProvider:
    """One provider.  Raises `ValueError` for metadata that cannot be used."""

    def __init__(self, described: SamlDescription) -> None:
        self.name = described.name
        self.title = described.title
        self.numbers = described.numbers
        path = f"{described.base_url}/auth/saml/{described.name}"
        self.acs_url = f"{path}/acs"
        self.logout_url = f"{path}/logout"
        self.entity_id = f"{path}/metadata"
        self.signs_requests = described.own_key is not None
        told = _told(described.metadata)
        self.sign_in_url: str = told["singleSignOnService"]["url"]
        self.issuer = SamlIssuer(
            issuer=told["entityId"],
            audience=self.entity_id,
            recipient=self.acs_url,
            certificates=_signing_certificates(told),
            names=described.names,
            name=described.name,
        )
        self.settings = self._settings(described, told)

    def metadata(self) -> bytes:
        """What the gate publishes about itself, for this provider."""
        found = self.settings.get_sp_metadata()
        return found if isinstance(found, bytes) else str(found).encode()

    def request_to(self, url: str, **parts: Any) -> dict[str, Any]:
        """A request to one of the gate's own addresses, as python3-saml wants it described."""
        split = urlsplit(url)
        return {
            "https": "on" if split.scheme == "https" else "off",
            "http_host": split.netloc,
            "script_name": split.path,
            "get_data": {},
            "post_data": {},
            **parts,
        }

    def _settings(self, described: SamlDescription, told: Mapping[str, Any]) -> OneLogin_Saml2_Settings:
        key = described.own_key
        signs = key is not None
        own = {
            "entityId": self.entity_id,
            "assertionConsumerService": {
                "url": self.acs_url,
                "binding": OneLogin_Saml2_Constants.BINDING_HTTP_POST,
            },
            "singleLogoutService": {
                "url": self.logout_url,
                "binding": OneLogin_Saml2_Constants.BINDING_HTTP_REDIRECT,
            },
            "NameIDFormat": described.name_id_format,
            "x509cert": "" if key is None else key.certificate,
            "privateKey": "" if key is None else key.key,
        }
        security = {
            "authnRequestsSigned": signs,
            "logoutResponseSigned": signs,
            "wantAssertionsSigned": True,
            "wantAttributeStatement": False,
            "allowRepeatAttributeName": True,  # as Keycloak sends roles
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": list(described.ask_contexts) or False,
            "requestedAuthnContextComparison": "minimum",
            "signatureAlgorithm": SIGNATURE,
            "allowSingleLabelDomains": True,  # hosts of a hospital's own network often have no domain
        }
        try:
            return OneLogin_Saml2_Settings(
                {"strict": True, "debug": False, "sp": own, "idp": told, "security": security}
            )
        except OneLogin_Saml2_Error as error:
            raise ValueError(str(error)) from error


def _told(metadata: bytes) -> dict[str, Any]:
    """The part of the metadata that is about signing people in."""
    try:
        told = OneLogin_Saml2_IdPMetadataParser.parse(metadata).get("idp", {})
    except (etree.LxmlError, ValueError) as error:
        raise ValueError("it is not readable as XML") from error
    if not told.get("entityId"):
        raise ValueError("it describes no identity provider (IDPSSODescriptor)")
    if "singleSignOnService" not in told:
        raise ValueError("it names no address for sign-in by HTTP-Redirect")
    return dict(told)


def _signing_certificates(told: Mapping[str, Any]) -> tuple[Certificate, ...]:
    listed = told.get("x509certMulti", {}).get("signing") or [told.get("x509cert")]
    try:
        found = tuple(load_der_x509_certificate(base64.b64decode(one)) for one in listed if one)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a certificate in it cannot be read") from error
    if not found:
        raise ValueError("it holds no certificate for signatures")
    return found
