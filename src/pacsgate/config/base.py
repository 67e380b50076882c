"""What all settings have in common: unknown keys are errors, and nothing changes once it is read.

Called by the modules beside it.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def refuse_half_a_pair(**files: Path | None) -> None:
    """Raise `ValueError` unless all of these are there, or none: a certificate is nothing without its key."""
    if len({file is None for file in files.values()}) > 1:
        raise ValueError(" and ".join(f"`{name}`" for name in files) + " belong together")
