from datetime import UTC, datetime, timedelta
from pathlib import Path

from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.ports import Epochs
from pacsgate.services.live_policy import LivePolicy
from tests.support.people import SCOPE

ARCHIVE = ArchiveName("main")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEXT = """\
version: 1
roles:
  reader: {may: [search], owner: chief}
rules:
  - {id: readers, effect: permit, roles: [reader]}
"""


class OneRevision:
    """A tenant with one policy, and nobody who changes anything."""

    def current(self) -> Epochs:
        return Epochs(0, 0, 0, 0, 0)
