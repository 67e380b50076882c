"""SHA-256 of a file, as hex: what "the same bytes" means.

Called by the archives when an object is offered that they already have.
"""

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """The hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
