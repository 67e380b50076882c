"""Pages of a tenant: its PACSes and their agents, identities, visits and access units.

What somebody may do is asked of `Warrants`, page by page; what is asked of a PACS goes through the queue, as
from the API.
"""
