"""Identities, visits, credentials and access units of PACSes: `ports.access.AccessStore`."""
