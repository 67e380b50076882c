"""Visits: access for a time, planned, checked in and checked out.

Called by the desk.

Invariants:
- what a visit holds counts from check-in to check-out and at no other time;
- whoever is in is in by one visit;
- when a visit is over its credentials are inactive and its units closed, and both are kept.
"""

from dataclasses import replace

from pacsgate.model.access import HolderKey, Person, Visit, VisitState
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.pacs_operation import EntityKind
from pacsgate.protocols.access.bodies import VisitBody
from pacsgate.protocols.access.forms import page_form, visit_form
from pacsgate.services.access.rules import ENDED, Step, check_window, checked_in, ended, refuse_ended
from pacsgate.services.access.work import Done, Work, new_id


def create(work: Work) -> Done:
    """Plan one."""
    body = work.body(VisitBody)
    check_window(body.valid_from, body.valid_to, work.now)
    visit_id = body.visit_id or new_id()
    if work.store.visit(work.place, visit_id) is not None:
        raise ConflictError("there is a visit with this `visitId` already")
    person = Person(body.name)
    planned = Visit(visit_id, body.visitor, person, body.valid_from, body.valid_to, created_at=work.now)
    work.store.put_visit(work.place, _said(work, body, planned))
    work.settle(planned.key, None)
    return Done(201, visit_form(work.again(planned)))


def read(work: Work) -> Done:
    """See one."""
    return Done(200, visit_form(work.visit()))


def listed(work: Work) -> Done:
    """See all of them."""
    after, limit = work.page_asked()
    found = work.store.visits(work.place, after, limit + 1)
    following = found[limit - 1].visit_id if len(found) > limit else None
    return Done(200, page_form("visits", [visit_form(each) for each in found[:limit]], following))


def update(work: Work) -> Done:
    """Say anew what is said of one that is not over."""
    body, stood = work.body(VisitBody), work.visit()
    if body.visit_id not in (None, stood.visit_id):
        raise RequestError("`visitId` is not the one in the path, and an id never changes")
    refuse_ended(stood)
    check_window(body.valid_from, body.valid_to, work.now)
    if body.account is not None and body.account != stood.account:
        raise ConflictError("a visit stays with its account: cancel it and plan another")
    has_begun = stood.state is VisitState.CHECKED_IN
    if has_begun and (body.visitor, body.valid_from) != (stood.visitor, stood.valid_from):
        raise ConflictError("the visit has begun: its visitor and its start stay as they are")
    before = work.held(stood.key)
    work.store.put_visit(work.place, _said(work, body, stood))
    work.settle(stood.key, before)
    return Done(200, visit_form(work.again(stood)))


def remove(work: Work) -> Done:
    """Call one off that has not begun; it stays on record as cancelled."""
    _end(work, work.visit(), Step.CANCEL)
    return Done(204)


def check_in(work: Work) -> Done:
    """Begin one."""
    visit = work.visit()
    begun = checked_in(visit, work.store.checked_in(work.place, visit.visitor), work.now, work.rules)
    before = work.held(visit.key)
    work.store.put_visit(work.place, begun)
    work.settle(visit.key, before)
    return Done(200, visit_form(work.again(begun)))


def check_out(work: Work) -> Done:
    """End one."""
    return Done(200, visit_form(_end(work, work.visit(), Step.CHECK_OUT)))


def end_overdue(work: Work, visit_id: str) -> bool:
    """End one whose time has gone by; whether nobody else has by now."""
    visit = work.store.visit(work.place, visit_id)
    if visit is None or visit.state in ENDED or work.now < visit.valid_to:
        return False
    _end(work, visit, Step.CHECK_OUT if visit.state is VisitState.CHECKED_IN else Step.EXPIRE)
    return True


def _end(work: Work, visit: Visit, step: Step) -> Visit:
    # A stop of the gate must not make a visit longer than it was.
    over = ended(visit, step, min(work.now, visit.valid_to))
    before = work.held(visit.key)
    work.store.put_visit(work.place, over)
    _give_back(work, visit.key)
    work.settle(visit.key, before)
    return work.again(over)


def _give_back(work: Work, key: HolderKey) -> None:
    for credential in work.store.credentials(work.place, key):
        work.store.put_credential(work.place, replace(credential, active=False))
    for assignment in work.store.assignments(work.place, key):
        if assignment.removed_at is None:
            work.store.put_assignment(work.place, replace(assignment, removed_at=work.now))


def _said(work: Work, body: VisitBody, stood: Visit) -> Visit:
    return replace(
        stood,
        visitor=body.visitor,
        person=Person(body.name, body.email, body.organization),
        valid_from=body.valid_from,
        valid_to=body.valid_to,
        host=body.host,
        account=body.account or stood.account,
        fields=work.fields(EntityKind.VISIT, body.extension_fields),
    )
