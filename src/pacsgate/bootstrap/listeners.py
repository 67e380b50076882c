"""Everybody who hears of what happens in one process: what came of a dcm4chee, then the policy's grant rules.

Called by `installation`, for every process that stores or receives.

Invariants:
- one listener that breaks keeps no other from hearing, and fails nobody's store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from pacsgate.ports import Trail
from pacsgate.ports.occurrences import Occurrence, Occurrences
from pacsgate.services.grant_by_occurrence import GrantByOccurrence, failure
from pacsgate.services.study_permissions import StudyPermissionAdministration

if TYPE_CHECKING:
    from pacsgate.bootstrap.installation import Installation

_log = structlog.get_logger("pacsgate.grants")


@dataclass(frozen=True, slots=True)
class Listeners:
    """Tells each in turn."""

    listeners: Sequence[Occurrences]
    trail: Trail

    def happened(self, occurrence: Occurrence) -> None:
        """Let everybody take note."""
        for listener in self.listeners:
            try:
                listener.happened(occurrence)
            except Exception:  # noqa: BLE001 - an outermost edge: whatever broke grants nothing
                _log.exception("listener broke", occurrence=occurrence.kind.value)
                self.trail.record(failure(occurrence, {"why": "internal error"}))


def grant_rules(installation: "Installation") -> GrantByOccurrence:
    """What asks the policy's grant rules."""
    return GrantByOccurrence(
        lambda: StudyPermissionAdministration(installation.office),
        installation.policies,
        installation.stores.index,
        installation.trail,
    )
