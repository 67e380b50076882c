"""The use cases of the queue on a database, with a clock moved by hand and a trail in memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from weakref import finalize

from pacsgate.audit.events import Actor
from pacsgate.identity.sealing import FileSealer, add_sealing_key
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_adapters import PacsAdapter, PacsFeatures
from pacsgate.ports.pacs_queue import Message
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.callers import Caller
from pacsgate.services.pacs_queue.dead_letters import DeadLetters
from pacsgate.services.pacs_queue.give_up import GiveUpMessages
from pacsgate.services.pacs_queue.hand_over import HandOver, Taker
from pacsgate.services.pacs_queue.overdue import EndOverdue
from pacsgate.services.pacs_queue.recording import QueueRecord
from pacsgate.services.pacs_queue.results import Results
from pacsgate.services.pacs_queue.rules import QueueRules
from pacsgate.services.pacs_queue.run_here import RunHere
from pacsgate.services.pacs_queue.submit import Asked, SubmitOperation
from pacsgate.services.pacs_queue.told_once import ToldOnce
from pacsgate.stores.database import Database
from pacsgate.stores.pacs_queue.queue import SqlPacsQueue
from tests.support.clocks import HandClock
from tests.support.trails import ListTrail

DOORS = ArchiveName("doors")
RULES = QueueRules(
    lease=timedelta(seconds=30),
    attempts=3,
    lifetime=timedelta(hours=1),
    readable=timedelta(minutes=10),
    kept=timedelta(days=1),
    most=50,
)
AGENT = Taker("agent", Actor("agent", verified=True))


@dataclass
class Desk:
    """Everybody may do everything, but for those in `barred`."""

    database: Database
    scope: TenantScope = field(default_factory=lambda: TenantScope(TenantName("default")))
    rules: QueueRules = RULES
    adapter: PacsAdapter | None = None
    features: PacsFeatures | None = None
    clock: Any = field(default_factory=HandClock)
    trail: ListTrail = field(default_factory=ListTrail)
    barred: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        queue, record = SqlPacsQueue(self.database), QueueRecord(self.trail)
        self.queue = queue
        self.overdue = EndOverdue(queue, record, self.clock, self.rules)
        keys = TemporaryDirectory()
        finalize(self, keys.cleanup)
        add_sealing_key(Path(keys.name) / "key")
        told_once = ToldOnce(FileSealer(Path(keys.name) / "key"))
        self.hand_over = HandOver(queue, self.overdue, self._still, record, self.clock, self.rules, told_once)
        self.here = RunHere(
            self.hand_over, lambda tenant, _pacs: self.adapter if tenant == self.scope.tenant else None
        )
        self.submit = SubmitOperation(queue, record, self.here, self.clock, self.rules)
        self.results = Results(queue, self._holds, record, self.clock, told_once)
        self.letters = DeadLetters(queue, record, self.here, self.clock, self.rules)
        self.give_up = GiveUpMessages(queue, record, self.clock, self.rules)

    @property
    def pacs(self) -> PacsRecord:
        return PacsRecord(DOORS, "Doors", PacsKind.DOORS, "agent", self.features)

    def asked(
        self, who: str = "clerk", identity: str = "anna", key: str | None = None, body: object = None
    ) -> str:
        """An operation that somebody asks for; its message."""
        asked = Asked("IdentityUpdate", {"identity": identity}, body, {})
        return self.submit.accept(self.scope, self.pacs, asked, Actor(who, verified=True), key).message_id

    def taken(self, taker: Taker = AGENT) -> Message | None:
        """What an agent gets."""
        return self.hand_over.next(self.scope, DOORS, taker)

    def message(self, message_id: str) -> Message:
        """A message that must be there."""
        found = self.queue.message(self.scope, DOORS, message_id)
        assert found is not None
        return found

    def changes(self, message_id: str) -> list[str]:
        """What the trail says became of a message."""
        return [
            event.details["change"]
            for event in self.trail.events
            if event.details.get("message") == message_id
        ]

    def _holds(self, caller: Caller, _permission: Permission, _pacs: ArchiveName | None) -> bool:
        return caller.subject.name not in self.barred

    def _still(
        self,
        name: str,
        _tenant: TenantName,
        _permission: Permission,
        _pacs: ArchiveName | None,
        _now: datetime,
    ) -> bool:
        return name not in self.barred
