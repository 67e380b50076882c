"""Which signatures of JSON Web Tokens may be believed at all.

Called by `pacsgate.config.identity`, which lets an issuer be configured with some of them.

Standard: RFC 7518 3.1; RFC 9864 (Ed25519).
"""

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"}
)
"""What may be configured: signatures with a public key, and nothing that a public key could forge."""
