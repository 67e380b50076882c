"""What access means at simulated doors: they look at what is held themselves, at each swipe.

They are told when there is nothing left to look at.  Where somebody is counts while they are somebody's
visitor: whoever has checked out is nowhere, whether they have left the building or not.

Called by the desk (`services.access`).

Invariants:
- a visit that has ended and an identity that was removed are in no zone, and the gate is told so.
"""

from collections.abc import Mapping, Sequence

from pacsgate.agent.doors.formats import CARD_FORMATS
from pacsgate.agent.doors.plan import OUTSIDE, SitePlan
from pacsgate.model.access import AccessUnit, Holder, PacsPlace
from pacsgate.model.site_events import HOLDER_ENDED
from pacsgate.ports.access import NOTHING_SETTLED, CredentialFormat, Held, Order, Settled
from pacsgate.ports.site import DoorStore, Happening, SiteSpool
from pacsgate.services.access.rules import has_ended

KIND = "doors"


class DoorEffects:
    """The formats and access units of one plan."""

    def __init__(self, plan: SitePlan, state: DoorStore, spool: SiteSpool) -> None:
        self._state = state
        self._spool = spool
        self._units = {
            name: AccessUnit(name, unit.name, KIND, f"doors: {', '.join(unit.doors)}")
            for name, unit in sorted(plan.units.items())
        }

    def formats(self, place: PacsPlace) -> Mapping[str, CredentialFormat]:  # noqa: ARG002 - the same everywhere
        """The formats of cards that the readers read."""
        return CARD_FORMATS

    def units(self, place: PacsPlace) -> Sequence[AccessUnit]:  # noqa: ARG002 - of one plan
        """The access units of the plan, by id."""
        return tuple(self._units.values())

    def unit(self, place: PacsPlace, unit_id: str) -> AccessUnit | None:  # noqa: ARG002 - likewise
        """One of them."""
        return self._units.get(unit_id)

    def settle(self, place: PacsPlace, before: Held | None, after: Held | None, order: Order) -> Settled:
        """Forget where somebody is whose visit has ended or who was removed."""
        about = after or before
        if about is not None and (after is None or has_ended(after.holder)):
            self._leave(place, about.holder, order)
        return NOTHING_SETTLED

    def _leave(self, place: PacsPlace, holder: Holder, order: Order) -> None:
        if self._state.forget(place, holder.key):
            account = holder.account or None
            self._spool.add_event(
                place, Happening(HOLDER_ENDED, order.at, str(holder.key), account, zone=OUTSIDE)
            )

    def settled(self) -> None:
        """Nobody waits."""
