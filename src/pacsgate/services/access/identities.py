"""Identities: standing access, made, read, changed and removed.

Called by the desk.

Invariants:
- ids are unique in the PACS;
- with an identity go its credentials and units, made worthless first.
"""

from dataclasses import replace

from pacsgate.model.access import Identity, Person
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.pacs_operation import EntityKind
from pacsgate.protocols.access.bodies import IdentityBody
from pacsgate.protocols.access.forms import identity_form, page_form
from pacsgate.services.access.rules import check_window
from pacsgate.services.access.work import Done, Work, new_id


def create(work: Work) -> Done:
    """Give somebody standing access."""
    body = work.body(IdentityBody)
    check_window(body.valid_from, body.valid_to, work.now)
    identity_id = body.identity_id or new_id()
    identity = _identity(work, body, Identity(identity_id, Person(body.name), work.now))
    if work.store.identity(work.place, identity_id) is not None:
        raise ConflictError("there is an identity with this `identityId` already")
    work.store.put_identity(work.place, identity)
    work.settle(identity.key, None)
    return Done(201, identity_form(work.again(identity)))


def read(work: Work) -> Done:
    """See one."""
    return Done(200, identity_form(work.identity()))


def listed(work: Work) -> Done:
    """See all of them."""
    after, limit = work.page_asked()
    found = work.store.identities(work.place, after, limit + 1)
    following = found[limit - 1].identity_id if len(found) > limit else None
    return Done(200, page_form("identities", [identity_form(each) for each in found[:limit]], following))


def update(work: Work) -> Done:
    """Say anew what is said of one."""
    body, stood = work.body(IdentityBody), work.identity()
    if body.identity_id not in (None, stood.identity_id):
        raise RequestError("`identityId` is not the one in the path, and an id never changes")
    if body.account is not None and body.account != stood.account:
        raise ConflictError("an identity stays with its account: remove it and make another")
    check_window(body.valid_from, body.valid_to, work.now)
    before = work.held(stood.key)
    work.store.put_identity(work.place, _identity(work, body, stood))
    work.settle(stood.key, before)
    return Done(200, identity_form(work.again(stood)))


def remove(work: Work) -> Done:
    """Remove one with all that it holds."""
    identity = work.identity()
    before = work.held(identity.key)
    for credential in work.store.credentials(work.place, identity.key):
        work.store.put_credential(work.place, replace(credential, active=False))
    work.store.remove_identity(work.place, identity.identity_id)
    work.settle(identity.key, before)
    return Done(204)


def _identity(work: Work, body: IdentityBody, stood: Identity) -> Identity:
    return replace(
        stood,
        person=Person(body.name, body.email, body.organization),
        valid_from=body.valid_from,
        valid_to=body.valid_to,
        account=body.account or stood.account,
        fields=work.fields(EntityKind.IDENTITY, body.extension_fields),
    )
