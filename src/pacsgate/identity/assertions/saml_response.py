"""The answer to a SAML assertion that was believed: a SAML response that says so and nothing else.

Called by the door of associations, where a positive response was requested.

Standard: PS3.7 D.3.3.7.2 (the server response is a SAML response); SAML 2.0 Core 3.2.2, 3.3.3.
"""

import secrets
from datetime import datetime

_RESPONSE = (
    '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_{id}" Version="2.0" '
    'IssueInstant="{at}"><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>'
    "</samlp:Status></samlp:Response>"
)


def success_response(at: datetime) -> bytes:
    """A response of status Success."""
    return _RESPONSE.format(id=secrets.token_hex(16), at=at.strftime("%Y-%m-%dT%H:%M:%SZ")).encode("ascii")
