"""Second factors as they are made and checked: codes of authenticator apps, and WebAuthn.

What is kept of them, and what a proof is worth, is the business of `services`.
"""
