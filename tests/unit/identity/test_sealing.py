"""Secrets at rest: sealed under a key that the database does not hold."""

import base64
from pathlib import Path

import pytest

from pacsgate.identity.sealing import FileSealer, add_sealing_key
from pacsgate.model.errors import SealError

SEED = b"a seed of an authenticator app"
PURPOSE = "totp:default:f1"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "secrets.key"
    add_sealing_key(path)
    return path


def test_what_was_sealed_opens_for_its_purpose_and_shows_nothing(key_file: Path) -> None:
    sealed = FileSealer(key_file).seal(SEED, PURPOSE)
    assert FileSealer(key_file).open(sealed, PURPOSE) == SEED
    assert SEED not in sealed
    assert base64.b64encode(SEED) not in sealed


def test_one_secret_sealed_twice_looks_different(key_file: Path) -> None:
    sealer = FileSealer(key_file)
    assert sealer.seal(SEED, PURPOSE) != sealer.seal(SEED, PURPOSE)


def test_what_was_sealed_for_one_account_opens_for_no_other(key_file: Path) -> None:
    sealer = FileSealer(key_file)
    with pytest.raises(SealError):
        sealer.open(sealer.seal(SEED, PURPOSE), "totp:default:f2")


def test_a_sealed_secret_that_was_changed_anywhere_does_not_open(key_file: Path) -> None:
    sealer = FileSealer(key_file)
    sealed = sealer.seal(SEED, PURPOSE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealError):
            sealer.open(bytes(changed), PURPOSE)
    for length in range(len(sealed)):
        with pytest.raises(SealError):
            sealer.open(sealed[:length], PURPOSE)


def test_a_process_that_runs_seals_under_the_new_key_and_opens_what_the_old_one_sealed(
    key_file: Path,
) -> None:
    running = FileSealer(key_file)
    before = running.seal(SEED, PURPOSE)
    add_sealing_key(key_file)
    after = running.seal(SEED, PURPOSE)
    assert after[:4] != before[:4]
    assert running.open(before, PURPOSE) == running.open(after, PURPOSE) == SEED


def test_a_key_that_was_replaced_twice_opens_nothing_any_more(key_file: Path) -> None:
    sealer = FileSealer(key_file)
    stolen = sealer.seal(SEED, PURPOSE)
    add_sealing_key(key_file)
    add_sealing_key(key_file)
    with pytest.raises(SealError, match="its key is gone"):
        sealer.open(stolen, PURPOSE)


def test_without_a_key_nothing_is_sealed_or_opened_and_the_operator_is_told_what_to_do(
    key_file: Path,
) -> None:
    sealer = FileSealer(key_file)
    sealed = sealer.seal(SEED, PURPOSE)
    key_file.unlink()
    for attempt in (lambda: sealer.seal(SEED, PURPOSE), lambda: sealer.open(sealed, PURPOSE)):
        with pytest.raises(SealError, match="their key is gone") as raised:
            attempt()
        assert "pacsgate secrets rotate" in str(raised.value.detail)


@pytest.mark.parametrize("text", ["", "no key\n", "00112233 AAAA\n", "00112233\n", "ä"])
def test_a_damaged_key_file_seals_nothing(key_file: Path, text: str) -> None:
    key_file.write_text(text, "utf-8")
    with pytest.raises(SealError):
        FileSealer(key_file).seal(SEED, PURPOSE)


def test_a_key_that_others_can_read_is_not_used(key_file: Path) -> None:
    key_file.chmod(0o640)
    with pytest.raises(SealError, match="read by others"):
        FileSealer(key_file).seal(SEED, PURPOSE)


def test_a_new_key_file_is_readable_by_its_owner_only(key_file: Path) -> None:
    assert key_file.stat().st_mode & 0o777 == 0o600
