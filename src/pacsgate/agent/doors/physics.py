"""What happens when somebody holds a card to a reader.

A reader knows the card or it does not; who holds it may open the door now or not; and who is to come in
must be where the door leads from.  Whoever is known gets out of every door: people are never locked in.
Whose visit has ended is outside then, however many doors are still ahead.

Called by the adapter and by `pacsgate agent swipe`.

Invariants:
- a swipe, the person's new place and the event of it are one transaction;
- nobody enters a zone of hard anti-passback twice without having left it;
- whatever is refused has exactly one reason, and no event names a card.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pacsgate.agent.doors.formats import CARD_FORMATS
from pacsgate.agent.doors.plan import OUTSIDE, AntiPassback, Reader, SitePlan
from pacsgate.model.access import (
    AccessCredential,
    Holder,
    HolderKey,
    HolderKind,
    PacsPlace,
)
from pacsgate.model.effective_access import Barrier, barrier
from pacsgate.model.errors import NotFoundError
from pacsgate.model.site_events import ACCESS_DENIED, ACCESS_GRANTED, ANTI_PASSBACK_RESET
from pacsgate.ports.access import AccessStore
from pacsgate.ports.site import DoorStore, Happening, SiteSpool
from pacsgate.services.access.rules import has_ended


class Refusal(StrEnum):
    """Why a door stays closed, besides what keeps a holder out of everything (`Barrier`)."""

    UNKNOWN_CARD = "unknown-card"
    OUT_OF_SCHEDULE = "out-of-schedule"
    ANTI_PASSBACK = "anti-passback"


@dataclass(frozen=True, slots=True)
class Swipe:
    """What came of a swipe; `reason` `None` is an open door."""

    reason: Refusal | Barrier | None
    holder: HolderKey | None = None
    zone: str | None = None
    """Where the holder is now, if the door has opened."""
    violates: bool = False
    """Whether soft anti-passback let somebody in who was elsewhere."""

    @property
    def is_granted(self) -> bool:
        """Whether the door has opened."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors of one site."""

    place: PacsPlace
    plan: SitePlan
    access: AccessStore
    state: DoorStore
    spool: SiteSpool = field(repr=False)

    def swipe(self, reader_name: str, card_format: str, value: str, at: datetime) -> Swipe:
        """Hold a card to a reader.  Raises `NotFoundError` for a reader or a format that the site has not."""
        reader = self.plan.reader(reader_name)
        if reader is None:
            raise NotFoundError(f"there is no reader `{reader_name}`: a door has `DOOR-in` and `DOOR-out`")
        if card_format not in CARD_FORMATS:
            raise NotFoundError(f"there is no format `{card_format}`: {', '.join(CARD_FORMATS)}")
        with self.access.together():
            credential = self._credential(card_format, value)
            holder = None if credential is None else self._holder(credential.holder)
            swipe = self._judge(reader, credential, holder, at)
            if swipe.holder is not None and swipe.zone is not None:
                self.state.move(self.place, swipe.holder, swipe.zone, at)
            self._tell(reader_name, reader, card_format, swipe, holder, at)
        return swipe

    def reset(self, holder: HolderKey, at: datetime) -> None:
        """Forget where somebody is, so that they may come in again.  Raises `NotFoundError`."""
        with self.access.together():
            found = self._holder(holder)
            if not self.state.forget(self.place, holder):
                raise NotFoundError(f"no door has seen `{holder}`")
            account = None if found is None else found.account or None
            happening = Happening(ANTI_PASSBACK_RESET, at, str(holder), account, zone=OUTSIDE)
            self.spool.add_event(self.place, happening)

    def _judge(
        self, reader: Reader, credential: AccessCredential | None, holder: Holder | None, at: datetime
    ) -> Swipe:
        if credential is None or holder is None:
            return Swipe(Refusal.UNKNOWN_CARD)
        if reader.is_exit:
            return Swipe(None, holder.key, OUTSIDE if has_ended(holder) else reader.to)
        units = [
            self.plan.units[given.unit_id]
            for given in self.access.assignments(self.place, holder.key)
            if given.removed_at is None and given.unit_id in self.plan.units
        ]
        leading = [unit for unit in units if reader.door in unit.doors]
        reason = barrier(holder, credential, is_assigned=bool(leading), now=at)
        if reason is not None:
            return Swipe(reason, holder.key)
        if not any(self.plan.is_open(unit, at) for unit in leading):
            return Swipe(Refusal.OUT_OF_SCHEDULE, holder.key)
        return self._passed(reader, holder)

    def _passed(self, reader: Reader, holder: Holder) -> Swipe:
        stands = self.state.zone_of(self.place, holder.key)
        is_elsewhere = stands is not None and stands != reader.source
        rule = self.plan.zones[reader.to].anti_passback
        if is_elsewhere and rule is AntiPassback.HARD:
            return Swipe(Refusal.ANTI_PASSBACK, holder.key)
        violates = is_elsewhere and rule is AntiPassback.SOFT
        return Swipe(None, holder.key, reader.to, violates)

    def _tell(
        self,
        reader_name: str,
        reader: Reader,
        card_format: str,
        swipe: Swipe,
        holder: Holder | None,
        at: datetime,
    ) -> None:
        details = {"reader": reader_name, "door": reader.door, "format": card_format}
        if swipe.reason is not None:
            details["reason"] = swipe.reason.value
        if swipe.violates:
            details["anti_passback"] = "violated"
        happening = Happening(
            ACCESS_GRANTED if swipe.is_granted else ACCESS_DENIED,
            at,
            None if holder is None else str(holder.key),
            None if holder is None else holder.account or None,
            swipe.zone,
            details,
        )
        self.spool.add_event(self.place, happening)

    def _credential(self, card_format: str, value: str) -> AccessCredential | None:
        normalized = CARD_FORMATS[card_format].normalized
        plain = None if normalized is None else normalized(value)
        return None if plain is None else self.access.credential_of(self.place, card_format, plain)

    def _holder(self, key: HolderKey) -> Holder | None:
        if key.kind is HolderKind.IDENTITY:
            return self.access.identity(self.place, key.holder_id)
        return self.access.visit(self.place, key.holder_id)
