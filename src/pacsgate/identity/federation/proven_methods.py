"""What a source's word about factors is worth: only what its configuration believes.

`amr` and `acr` are the source's; a value that is not configured proves nothing, so that a second
factor at an identity provider counts only where it was really asked for.

Called by `federated_accounts`.

Standard: RFC 8176 (`amr` values); OpenID Connect Core 2 (`acr`, `amr`); OWASP ASVS 5.0 6.8.4.
"""

from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.ports.assertions import Claims

_HARDWARE = frozenset({"hwk", "sc"})
_OF_ANOTHER_KIND = frozenset(
    {"mfa", "mca", "otp", "hwk", "swk", "sc", "sms", "tel", "fpt", "face", "iris", "vbm"}
)
"""Methods that no password satisfies."""
_KNOWN = frozenset({"pwd", "kba", "pin"})
_VERIFIED_USER = frozenset({"user", "pin", "fpt", "face", "iris", "mfa"})


def proven_methods(source: SourcePolicy, claims: Claims) -> frozenset[str]:
    """The methods that count as proven, in the words of RFC 8176."""
    by_class = source.methods_of_acr.get(claims.acr, frozenset()) if claims.acr is not None else frozenset()
    return (claims.methods & source.believed_methods) | by_class


def assurance_level(methods: frozenset[str]) -> int:
    """How strong these are together (NIST SP 800-63B): 1 one factor, 2 two, 3 a hardware key and its user."""
    if methods & _HARDWARE and methods & _VERIFIED_USER:
        return 3
    two_kinds = bool(methods & _OF_ANOTHER_KIND and methods & _KNOWN)
    return 2 if two_kinds or methods & {"mfa", "mca"} else 1
