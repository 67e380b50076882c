"""Access units: what the PACS has, and to whom each is open.

Called by the desk.  The catalogue is the PACS's own; nobody changes it here.

Invariants:
- to open what is open, and to close what is closed, changes nothing;
- what was open once is kept on record.
"""

from dataclasses import replace
from operator import attrgetter

from pacsgate.model.access import AccessUnit, HolderKey, HolderKind, UnitAssignment, Visit
from pacsgate.model.errors import NotFoundError
from pacsgate.protocols.access.forms import assignment_form, page_form, unit_form
from pacsgate.services.access.rules import refuse_ended
from pacsgate.services.access.work import Done, Work


def listed(work: Work) -> Done:
    """See all of them."""
    after, limit = work.page_asked()
    every = sorted(work.effects.units(work.place), key=attrgetter("unit_id"))
    found = [unit for unit in every if unit.unit_id > after]
    following = found[limit - 1].unit_id if len(found) > limit else None
    return Done(200, page_form("accessUnits", [unit_form(each) for each in found[:limit]], following))


def read(work: Work) -> Done:
    """See one."""
    return Done(200, unit_form(_unit(work)))


def of_holder(work: Work) -> Done:
    """See which are open to a holder."""
    given = _open(work, work.holder().key)
    return Done(200, page_form("accessUnits", [assignment_form(each) for each in given], None))


def identities_of(work: Work) -> Done:
    """See to which identities one is open."""
    return _holders(work, HolderKind.IDENTITY, "identities")


def visits_of(work: Work) -> Done:
    """See to which visits one is open."""
    return _holders(work, HolderKind.VISIT, "visits")


def assign(work: Work) -> Done:
    """Open one to a holder."""
    holder = work.holder()
    if isinstance(holder, Visit):
        refuse_ended(holder)
    unit = _unit(work)
    for each in _open(work, holder.key):
        if each.unit_id == unit.unit_id:
            return Done(200, assignment_form(each))
    before = work.held(holder.key)
    given = UnitAssignment(holder.key, unit.unit_id, assigned_at=work.now)
    work.store.put_assignment(work.place, given)
    work.settle(holder.key, before)
    return Done(200, assignment_form(given))


def remove(work: Work) -> Done:
    """Close one to a holder; one that the PACS has no more as well."""
    holder, unit_id = work.holder(), work.command.ids["unit"]
    before = work.held(holder.key)
    for each in _open(work, holder.key):
        if each.unit_id == unit_id:
            work.store.put_assignment(work.place, replace(each, removed_at=work.now))
            work.settle(holder.key, before)
            return Done(204)
    _unit(work)
    return Done(204)


def _holders(work: Work, kind: HolderKind, name: str) -> Done:
    unit = _unit(work)
    after, limit = work.page_asked()
    found = work.store.holders_of(work.place, unit.unit_id, kind, after, limit + 1)
    following = found[limit - 1] if len(found) > limit else None
    return Done(200, page_form(name, [{f"{kind}Id": each} for each in found[:limit]], following))


def _open(work: Work, key: HolderKey) -> list[UnitAssignment]:
    return [each for each in work.store.assignments(work.place, key) if each.removed_at is None]


def _unit(work: Work) -> AccessUnit:
    found = work.effects.unit(work.place, work.command.ids["unit"])
    if found is None:
        raise NotFoundError("there is no such access unit")
    return found
