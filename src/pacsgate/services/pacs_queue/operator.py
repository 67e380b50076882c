"""Whoever works at the command line of the installation, as a requester.

They are no account, and need no permission: the machine is theirs.

Called by the command line, which submits as one, and by `hand_over`.

Invariants:
- no account can be taken for one: account names hold no colon.
"""

_LOCAL = "local:"


def is_operator(requested_by: str) -> bool:
    """Whether this requester is one."""
    return requested_by.startswith(_LOCAL)
