"""Where the key is that seals secrets in the database.

Called by `settings`.
"""

from pathlib import Path

from pacsgate.config.base import Section


class SecretsSettings(Section):
    """Secrets that the gate must read again (seeds of authenticator apps) stand sealed in the database."""

    key_file: Path | None = None
    """The sealing keys, outside the data directory: `secrets.key` beside `trail.manifest_key` when absent."""
