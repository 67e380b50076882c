"""Names that somebody claims before anything is proven: how much of one may go on record.

Made-up names must not fill the directory or the trail, nor write lines into either.

Called by the doors of every kind.
"""

NOBODY = "(nobody)"
"""Stands for a name where none was claimed; no user can be called so."""
LONGEST_CLAIM = 128
"""Characters: twice as many as a user of the gate may be called by."""


def recordable(name: str | None) -> str | None:
    """As much of a claimed name as may go on record; `None` for what is none."""
    return name[:LONGEST_CLAIM] if name is not None and name.isprintable() else None
