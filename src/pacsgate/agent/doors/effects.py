"""What access means at simulated doors: nothing is told to them, since they look at what is held themselves.

Called by the desk (`services.access`).
"""

from collections.abc import Mapping, Sequence

from pacsgate.agent.doors.formats import CARD_FORMATS
from pacsgate.agent.doors.plan import SitePlan
from pacsgate.model.access import AccessUnit, PacsPlace
from pacsgate.ports.access import NOTHING_SETTLED, CredentialFormat, Held, Order, Settled

KIND = "doors"


class DoorEffects:
    """The formats and access units of one plan."""

    def __init__(self, plan: SitePlan) -> None:
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

    def settle(
        self,
        place: PacsPlace,  # noqa: ARG002 - likewise
        before: Held | None,  # noqa: ARG002 - doors look at each swipe
        after: Held | None,  # noqa: ARG002 - doors look at each swipe
        order: Order,  # noqa: ARG002 - doors look at each swipe
    ) -> Settled:
        """Nothing: doors look at what is held at each swipe."""
        return NOTHING_SETTLED

    def settled(self) -> None:
        """Nobody waits."""
