"""Credentials of identities and visits: made, shown, activated, deactivated and removed.

Called by the desk, for both kinds of holder.

Invariants:
- a credential belongs to one holder, and its value to one credential of its format in the PACS;
- a secret that the PACS makes is told once, with the credential.
"""

from dataclasses import replace

from pacsgate.model.access import AccessCredential, Holder, Visit
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.ports.access import CredentialFormat
from pacsgate.protocols.access.bodies import CredentialBody
from pacsgate.protocols.access.forms import credential_form, page_form
from pacsgate.services.access.rules import check_window, refuse_ended
from pacsgate.services.access.work import Done, Work, new_id


def create(work: Work) -> Done:
    """Give a holder one."""
    body, holder = work.body(CredentialBody), _changeable(work)
    check_window(body.valid_from, body.valid_to, work.now)
    value = _value(_format(work, body.format), body.value)
    held = work.store.credentials(work.place, holder.key)
    if any(each.credential_id == body.credential_id for each in held):
        raise ConflictError("there is a credential with this `credentialId` already")
    most = work.rules.most_credentials
    if most is not None and len(held) >= most:
        raise ConflictError(f"a holder can have {most} credentials here, and this one has")
    if value and work.store.credential_of(work.place, body.format, value) is not None:
        raise ConflictError("a credential of this format has this value already")
    before = work.held(holder.key)
    made = AccessCredential(
        credential_id=body.credential_id or new_id(),
        holder=holder.key,
        format=body.format,
        created_at=work.now,
        value=value,
        label=body.label,
        active=body.active,
        valid_from=body.valid_from,
        valid_to=body.valid_to,
    )
    work.store.put_credential(work.place, made)
    return Done(201, credential_form(made), work.settle(holder.key, before))


def read(work: Work) -> Done:
    """See one."""
    return Done(200, credential_form(_credential(work, work.holder())))


def listed(work: Work) -> Done:
    """See what a holder has: there are never many."""
    found = work.store.credentials(work.place, work.holder().key)
    return Done(200, page_form("credentials", [credential_form(each) for each in found], None))


def remove(work: Work) -> Done:
    """Take one away."""
    holder = work.holder()
    credential = _credential(work, holder)
    before = work.held(holder.key)
    work.store.remove_credential(work.place, holder.key, credential.credential_id)
    work.settle(holder.key, before)
    return Done(204)


def activate(work: Work) -> Done:
    """Make one usable; one that is stays so."""
    holder = _changeable(work)
    return _switched(work, holder, active=True)


def deactivate(work: Work) -> Done:
    """Make one unusable; one that is stays so."""
    return _switched(work, work.holder(), active=False)


def formats(work: Work) -> Done:
    """The formats that there are."""
    every = work.effects.formats(work.place)
    told = [
        {
            "format": each.name,
            "description": each.description,
            "takesValue": each.normalized is not None,
        }
        for _, each in sorted(every.items())
    ]
    return Done(200, page_form("credentialFormats", told, None))


def _switched(work: Work, holder: Holder, *, active: bool) -> Done:
    credential = _credential(work, holder)
    if credential.active is active:
        return Done(200, credential_form(credential))
    before, after = work.held(holder.key), replace(credential, active=active)
    work.store.put_credential(work.place, after)
    return Done(200, credential_form(after), work.settle(holder.key, before))


def _changeable(work: Work) -> Holder:
    holder = work.holder()
    if isinstance(holder, Visit):
        refuse_ended(holder)
    return holder


def _credential(work: Work, holder: Holder) -> AccessCredential:
    for each in work.store.credentials(work.place, holder.key):
        if each.credential_id == work.command.ids["credential"]:
            return each
    raise NotFoundError("there is no such credential")


def _format(work: Work, name: str) -> CredentialFormat:
    every = work.effects.formats(work.place)
    found = every.get(name)
    if found is None:
        known = ", ".join(f"`{each}`" for each in sorted(every))
        raise RequestError(f"this PACS has no such credential format; those that it has: {known}")
    return found


def _value(wanted: CredentialFormat, value: str | None) -> str:
    if wanted.normalized is None:
        if value is not None:
            raise RequestError(f"a credential of the format `{wanted.name}` is made here: send no `value`")
        return ""
    found = None if value is None else wanted.normalized(value)
    if not found:
        raise RequestError(f"`value` is none of the format `{wanted.name}`: {wanted.description}")
    return found
