"""Policy files in the words of other systems, beside a policy of our own.

Called by `settings` and `tenants`.
"""

from pathlib import Path

from pacsgate.config.base import Section
from pacsgate.policy.foreign.formats import ForeignFormat


class ForeignPolicySettings(Section):
    """One policy file in the words of another system; docs/foreign-policies.md says how each is read."""

    format: ForeignFormat
    path: Path
