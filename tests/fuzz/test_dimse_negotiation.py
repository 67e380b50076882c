"""Whatever a peer says when an association is made: an agreement about what was proposed, or an `ArchiveError`."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.dimse.negotiation import (
    Proposal,
    accepted,
    agreement,
    associate_accept,
    associate_reject,
    associate_request,
    rejection,
    requested,
)
from pacsgate.upstream.dimse.peer import Peer

SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
PROPOSALS = [
    Proposal("1.2.840.10008.5.1.4.1.2.2.3", SYNTAXES, extended=b"\x01"),
    Proposal("1.2.840.10008.5.1.4.1.1.2", SYNTAXES[:1], receives=True),
    Proposal("1.2.840.10008.5.1.4.1.1.4", SYNTAXES),
]
REQUEST = associate_request(Peer("127.0.0.1", 104, "ARCHIVE", "GATE"), PROPOSALS)
ACCEPTANCE = associate_accept(requested(REQUEST), accepted(requested(REQUEST), SYNTAXES))


def damaged(pdu: bytes) -> st.SearchStrategy[bytes]:
    """The PDU with some bytes changed, left out or added."""

    def changed(edits: list[tuple[int, int, bytes]]) -> bytes:
        made = bytearray(pdu)
        for at, removed, added in edits:
            place = 6 + at % max(1, len(made) - 6)
            made[place : place + removed] = added
        return bytes(made)

    edit = st.tuples(st.integers(0, 10_000), st.integers(0, 4), st.binary(max_size=4))
    return st.lists(edit, min_size=1, max_size=4).map(changed)


def test_an_agreement_is_about_what_was_proposed() -> None:
    agreed = agreement(PROPOSALS, ACCEPTANCE)
    assert {context.abstract_syntax for context in agreed.contexts.values()} == {
        PROPOSALS[0].abstract_syntax,
        PROPOSALS[2].abstract_syntax,
    }, "a role that was not granted is none"


@settings(max_examples=400, deadline=None)
@given(damaged(ACCEPTANCE))
def test_any_acceptance_is_an_agreement_or_an_error(pdu: bytes) -> None:
    try:
        agreed = agreement(PROPOSALS, pdu)
    except ArchiveError:
        return
    for context in agreed.contexts.values():
        (proposed,) = [one for one in PROPOSALS if one.abstract_syntax == context.abstract_syntax]
        assert context.transfer_syntax in proposed.transfer_syntaxes


@settings(max_examples=400, deadline=None)
@given(damaged(REQUEST))
def test_any_request_is_answered_or_an_error(pdu: bytes) -> None:
    try:
        request = requested(pdu)
        agreed = accepted(request, SYNTAXES)
        assert associate_accept(request, agreed)[0] == 2
    except ArchiveError:
        return
    assert {context.transfer_syntax for context in agreed.contexts.values()} <= set(SYNTAXES)


@settings(max_examples=100, deadline=None)
@given(damaged(associate_reject(1)))
def test_any_rejection_is_an_error_for_the_log(pdu: bytes) -> None:
    assert isinstance(_rejection(pdu), ArchiveError)


def _rejection(pdu: bytes) -> ArchiveError:
    try:
        return rejection(pdu)
    except ArchiveError as error:
        return error
