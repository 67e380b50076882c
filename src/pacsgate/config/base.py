"""What all settings have in common: unknown keys are errors, and nothing changes once it is read.

Called by the modules beside it.
"""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
