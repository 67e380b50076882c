"""Logout by the provider: a request by which a browser tells that its person has signed out there.

It ends sessions, so it counts only with a signature of the provider over the whole query.

Called by `door`.

Standard: SAML 2.0 Core 3.7; SAML 2.0 Profiles 4.4; SAML 2.0 Bindings 3.4.4.1 (signature of a query).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from pacsgate.identity.assertions.saml import parsed
from pacsgate.identity.assertions.saml_person import instant_of
from pacsgate.identity.saml.provider import BROKEN, SIGNATURE, SIGNATURES, SamlProvider

LARGEST_REQUEST = 32 * 1024
FRESH_FOR = timedelta(minutes=5)
_SIGNED = ("SAMLRequest", "RelayState", "SigAlg", "Signature")


@dataclass(frozen=True, slots=True)
class Logout:
    """Who has signed out, and of which session if the provider says."""

    request_id: str
    name_id: str
    session_index: str | None


def read_logout(provider: SamlProvider, query: Mapping[str, str], now: datetime) -> Logout | None:
    """What a logout request says, if the provider has signed it for this address just now."""
    message = query.get("SAMLRequest", "")
    if query.get("SigAlg") not in SIGNATURES or "Signature" not in query or len(message) > LARGEST_REQUEST:
        return None
    described = provider.request_to(provider.logout_url, get_data=dict(query))
    try:
        text = OneLogin_Saml2_Utils.decode_base64_and_inflate(message, ignore_zip=True)
        root = parsed(text) if len(text) <= LARGEST_REQUEST else None
        if root is None or root.get("Destination") != provider.logout_url or not _is_fresh(root, now):
            return None
        auth = OneLogin_Saml2_Auth(described, provider.settings)
        signed = {name: query[name] for name in _SIGNED if name in query}
        if not auth.validate_request_signature(signed):
            return None
        request = OneLogin_Saml2_Logout_Request(provider.settings, message)
        if not request.is_valid(described) or request.get_issuer(text) != provider.issuer.issuer:
            return None
        indexes = request.get_session_indexes(text)
        name_id = request.get_nameid(text, provider.settings.get_sp_key())
    except BROKEN:
        return None
    return Logout(str(request.id), str(name_id), str(indexes[0]) if len(indexes) == 1 else None)


def logout_answer_url(provider: SamlProvider, query: Mapping[str, str], now: datetime) -> str | None:
    """Where a browser goes to tell the provider that it is done; `None` for nowhere."""
    logout = read_logout(provider, query, now)
    if logout is None or provider.settings.get_idp_slo_response_url() is None:
        return None
    auth = OneLogin_Saml2_Auth(provider.request_to(provider.logout_url), provider.settings)
    response = OneLogin_Saml2_Logout_Response(provider.settings)
    response.build(logout.request_id)
    parameters = {"SAMLResponse": str(response.get_response())}
    if "RelayState" in query:
        parameters["RelayState"] = query["RelayState"]
    if provider.signs_requests:
        auth.add_response_signature(parameters, SIGNATURE)
    return str(auth.redirect_to(auth.get_slo_response_url(), parameters))


def _is_fresh(root: etree._Element, now: datetime) -> bool:
    """Whether it was issued a moment ago: the query may stand in the history of a browser."""
    issued = instant_of(root.get("IssueInstant"))
    return issued is not None and abs(now - issued) <= FRESH_FOR
