"""What a browser takes to the provider: a request to authenticate, signed if the gate has a key for it.

Called by `door`.

Standard: SAML 2.0 Core 3.4.1 (AuthnRequest); SAML 2.0 Bindings 3.4.4 (redirect, its signature).
"""

from dataclasses import dataclass

from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request

from pacsgate.identity.saml.provider import SIGNATURE, SamlProvider


@dataclass(frozen=True, slots=True)
class AuthnRequest:
    """A request, which goes with whatever RelayState."""

    provider: SamlProvider
    request_id: str
    message: str

    def url(self, relay_state: str) -> str:
        """Where the browser goes with it."""
        provider = self.provider
        auth = OneLogin_Saml2_Auth(provider.request_to(provider.acs_url), provider.settings)
        parameters = {"SAMLRequest": self.message, "RelayState": relay_state}
        if provider.signs_requests:
            auth.add_request_signature(parameters, SIGNATURE)
        return str(auth.redirect_to(provider.sign_in_url, parameters))


def authn_request(provider: SamlProvider) -> AuthnRequest:
    """A new request to this provider."""
    made = OneLogin_Saml2_Authn_Request(provider.settings)
    return AuthnRequest(provider, str(made.get_id()), str(made.get_request()))
