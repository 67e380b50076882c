"""What of a study an action reaches, once each of its parts has been decided.

The engine decides about parts.  What a door then does with them is this: one must be able to `search` some
part, or the study is as if it were not there; what reads is carried out on the parts that allow it and can be
searched; what changes or shares needs every part; bringing something asks for no more than itself.

Called by `examine`, `difference` and `kind_sets`.

Invariants:
- the answer is that of `pacsgate.services.resolve`; tests hold the two together.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny
from pacsgate.policy.binding import all_of
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import FALSE, Formula


class Manner(Enum):
    """How an action reaches the parts of a study."""

    EACH = "each part that allows it"
    FOUND = "each part that allows it and can be searched"
    WHOLE = "the whole study or nothing"


MANNERS: Mapping[Action, Manner] = {
    Action.SEARCH: Manner.EACH,
    Action.VIEW: Manner.FOUND,
    Action.RETRIEVE: Manner.FOUND,
    Action.STORE: Manner.EACH,
    Action.APPEND: Manner.EACH,
    Action.ANNOTATE: Manner.EACH,
    Action.UPDATE: Manner.WHOLE,
    Action.DELETE: Manner.WHOLE,
    Action.EXPORT: Manner.FOUND,
    Action.SHARE: Manner.WHOLE,
}


def reached(bound: Bound, action: Action, parts: Sequence[ResourceFacts]) -> tuple[int, ...]:
    """Which parts of one study, by their place, an action reaches."""
    allowed = _allowed(bound, action, parts)
    match MANNERS[action]:
        case Manner.EACH:
            return allowed
        case Manner.FOUND:
            found = _allowed(bound, Action.SEARCH, parts)
            return tuple(place for place in allowed if place in found)
        case Manner.WHOLE:
            return allowed if len(allowed) == len(parts) and _allowed(bound, Action.SEARCH, parts) else ()


def reaching(bound: Bound, action: Action) -> Formula:
    """What is true of the parts that an action reaches, as far as a formula about one part can say it."""
    asked = (action,) if MANNERS[action] is Manner.EACH else (action, Action.SEARCH)
    constraints = (bound.constraint(each) for each in asked)
    return all_of(*(FALSE if isinstance(each, Deny) else each.formula for each in constraints))


def _allowed(bound: Bound, action: Action, parts: Sequence[ResourceFacts]) -> tuple[int, ...]:
    return tuple(place for place, facts in enumerate(parts) if isinstance(bound.decide(action, facts), Allow))
