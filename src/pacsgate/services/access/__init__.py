"""Identities, visits, credentials and access units of a PACS: the rules, and their effects."""
