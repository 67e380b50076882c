import hashlib

import pytest

from pacsgate.audit.chain import NO_RECORD, Head
from pacsgate.audit.manifest import NO_MARK, Manifest, Mark, check_manifests, parse_manifest, sign_manifest
from pacsgate.model.errors import TrailBroken
from tests.support.events import READ


def sign(statement: bytes) -> bytes:
    """Stands for a key: nobody else in this test knows the word."""
    return hashlib.sha512(b"word" + statement).digest()


def verifies(statement: bytes, signature: bytes) -> bool:
    return sign(statement) == signature


def signed(count: int) -> list:
    made, previous = [], NO_RECORD
    for number in range(count):
        manifest = Manifest(number, READ.at, (Head("s1", number, "ab" * 32, 100 * number),), previous)
        made.append(sign_manifest(manifest, sign))
        previous = made[-1].mark.digest
    return made


def test_a_manifest_survives_being_written_and_read() -> None:
    (one,) = signed(1)
    assert parse_manifest(one.line) == one


def test_manifests_are_checked_in_the_order_of_their_numbers() -> None:
    made = signed(4)
    assert list(check_manifests(reversed(made), verifies, made[-1].mark)) == made


def test_manifests_before_a_break_still_hold() -> None:
    made = signed(4)
    del made[2]
    sound = []
    with pytest.raises(TrailBroken, match="manifest 2") as broken:
        sound.extend(check_manifests(made, verifies))
    assert broken.value.position == 2


def test_no_manifest_at_all_is_no_fault_before_the_first_was_signed() -> None:
    assert list(check_manifests([], verifies, NO_MARK)) == []


def test_a_mark_without_its_manifest_is_a_rollback() -> None:
    made = signed(3)
    with pytest.raises(TrailBroken, match="manifest 2 is missing"):
        list(check_manifests(made[:2], verifies, made[2].mark))


def test_a_mark_of_other_content_is_found() -> None:
    made = signed(2)
    with pytest.raises(TrailBroken, match="not the one"):
        list(check_manifests(made, verifies, Mark(0, "cd" * 32)))


def test_a_manifest_there_twice_is_found() -> None:
    made = signed(2)
    with pytest.raises(TrailBroken, match="twice"):
        list(check_manifests([*made, made[1]], verifies))


def test_another_spelling_of_the_same_signature_is_not_read() -> None:
    (one,) = signed(1)
    start, _, rest = one.line.rpartition(b'=="')
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    # The last letter before `==` carries two bits of the signature and four that no decoder looks at.
    other = letters[letters.index(start[-1:]) ^ 1]
    assert parse_manifest(start[:-1] + bytes([other]) + b'=="' + rest) is None


@pytest.mark.parametrize(
    "statement", [b"{}", b"{[}", b'{"heads":[1],"number":0,"prev":"","signed_at":"2026-03-01T09:00:00.000Z"}']
)
def test_what_is_no_manifest_is_not_read(statement) -> None:
    assert parse_manifest(b'{"manifest":%b,"signature":"AAAA"}\n' % statement) is None


def test_a_manifest_of_another_history_does_not_fit_though_it_was_signed() -> None:
    other = sign_manifest(Manifest(1, READ.at, (), "cd" * 32), sign)
    with pytest.raises(TrailBroken, match="does not follow"):
        list(check_manifests([*signed(1), other], verifies))
