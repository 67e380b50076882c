"""What issuers sign: JSON Web Tokens and SAML assertions, verified; the keys that they sign with."""
