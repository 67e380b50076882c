"""Identities, visits, credentials and access units as JSON: what is sent, and what is told."""
