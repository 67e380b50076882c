"""A command set and what followed it become the primitive that the library works with.

`_FORMS` has a row for each message there is; what a request says of itself is read here too.

Called by `messages`, `dispatch` and `operation`.

Standard: PS3.7 tables 9.3-1 to 10.3-12 (which message has which data set), E.1-1.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple

from pydicom.datadict import keyword_for_tag
from pynetdicom.dimse_primitives import (
    C_CANCEL,
    C_ECHO,
    C_FIND,
    C_GET,
    C_MOVE,
    C_STORE,
    N_ACTION,
    N_CREATE,
    N_DELETE,
    N_EVENT_REPORT,
    N_GET,
    N_SET,
    DimsePrimitiveType,
)

from pacsgate.gateway.dimse.incoming import IncomingObject, SpooledStore
from pacsgate.protocols.dimse.command_set import RESPONSE, Command, CommandSet, Element

Request = (
    C_ECHO
    | C_FIND
    | C_GET
    | C_MOVE
    | C_STORE
    | N_ACTION
    | N_CREATE
    | N_DELETE
    | N_EVENT_REPORT
    | N_GET
    | N_SET
)
"""Every request there is; `dispatch` hands on those that the gate serves."""

REQUESTED = N_ACTION | N_DELETE | N_GET | N_SET
"""Those that name what there is already, as requested; all others name what they affect."""


class _Form(NamedTuple):
    primitive: type[DimsePrimitiveType]
    data_set: str | None = None
    """The primitive's name for its data set."""


_FORMS: Mapping[Command, _Form] = {
    Command.C_STORE_RQ: _Form(SpooledStore),
    Command.C_STORE_RSP: _Form(C_STORE),
    Command.C_FIND_RQ: _Form(C_FIND, "Identifier"),
    Command.C_FIND_RSP: _Form(C_FIND, "Identifier"),
    Command.C_GET_RQ: _Form(C_GET, "Identifier"),
    Command.C_GET_RSP: _Form(C_GET, "Identifier"),
    Command.C_MOVE_RQ: _Form(C_MOVE, "Identifier"),
    Command.C_MOVE_RSP: _Form(C_MOVE, "Identifier"),
    Command.C_ECHO_RQ: _Form(C_ECHO),
    Command.C_ECHO_RSP: _Form(C_ECHO),
    Command.C_CANCEL_RQ: _Form(C_CANCEL),
    Command.N_EVENT_REPORT_RQ: _Form(N_EVENT_REPORT, "EventInformation"),
    Command.N_EVENT_REPORT_RSP: _Form(N_EVENT_REPORT, "EventReply"),
    Command.N_GET_RQ: _Form(N_GET),
    Command.N_GET_RSP: _Form(N_GET, "AttributeList"),
    Command.N_SET_RQ: _Form(N_SET, "ModificationList"),
    Command.N_SET_RSP: _Form(N_SET, "AttributeList"),
    Command.N_ACTION_RQ: _Form(N_ACTION, "ActionInformation"),
    Command.N_ACTION_RSP: _Form(N_ACTION, "ActionReply"),
    Command.N_CREATE_RQ: _Form(N_CREATE, "AttributeList"),
    Command.N_CREATE_RSP: _Form(N_CREATE, "AttributeList"),
    Command.N_DELETE_RQ: _Form(N_DELETE),
    Command.N_DELETE_RSP: _Form(N_DELETE),
}
_KEYWORDS = {
    int(element): keyword_for_tag(element)
    for element in Element
    if element not in {Element.COMMAND_FIELD, Element.COMMAND_DATA_SET_TYPE}
}


def primitive_of(
    command: CommandSet, context_id: int, identifier: bytes | None, incoming: IncomingObject | None
) -> DimsePrimitiveType:
    """The whole message.  Raises `ValueError` or `TypeError` for what no such message can say."""
    form = _FORMS[Command(_number(command))]
    primitive = form.primitive()
    for number, value in command.items():
        keyword = _KEYWORDS.get(number)
        if keyword is not None and hasattr(primitive, keyword):
            setattr(primitive, keyword, list(value) if isinstance(value, tuple) else value)
    if form.data_set is not None and identifier is not None:
        setattr(primitive, form.data_set, BytesIO(identifier))
    if isinstance(primitive, SpooledStore):
        primitive.incoming = incoming
    primitive._context_id = context_id  # noqa: SLF001 - the library sets it on what it makes itself
    return primitive


def command_of(request: Request) -> Command:
    """Which request it is, or would be: a response that answers nothing is served like a request."""
    named = next(command for command, form in _FORMS.items() if isinstance(request, form.primitive))
    return Command(named & ~RESPONSE)


def named_class(request: Request) -> str | None:
    """The SOP class that a request names, in whichever element its kind has for it."""
    named = request.RequestedSOPClassUID if isinstance(request, REQUESTED) else request.AffectedSOPClassUID
    return None if named is None else str(named)


def data_set_of(request: Request) -> bytes:
    """The encoded data set that is in a request; empty for none, and for an object, which is in the spool."""
    keyword = _FORMS[command_of(request)].data_set
    data_set = None if keyword is None else getattr(request, keyword)
    return data_set.getvalue() if isinstance(data_set, BytesIO) else b""


def _number(command: CommandSet) -> int:
    field = command[Element.COMMAND_FIELD]
    if not isinstance(field, int):
        raise TypeError("a Command Field is a number")
    return field
