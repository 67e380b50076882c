import os
from pathlib import Path

import pytest

from pacsgate.model.errors import RecordError, SettingsError, TrailBroken
from pacsgate.sinks.manifests import ManifestSigner
from pacsgate.sinks.signing_key import SigningKey, VerifyingKey, create_signing_key
from tests.support.events import READ
from tests.support.trail_directory import TrailDirectory


@pytest.fixture
def directory(tmp_path):
    directory = TrailDirectory(tmp_path)
    yield directory
    directory.restart_signer()


def lines_of(path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_what_was_signed_is_anchored_and_what_came_later_is_the_tail(directory) -> None:
    directory.write(5)
    directory.sign()
    directory.write(3)
    found = directory.verify()
    assert found.is_intact
    assert (found.segments, found.records, found.unanchored) == (2, 10, 4)
    assert found.manifests == 1


def test_a_tick_signs_only_what_moved(directory) -> None:
    directory.write(1)
    first = directory.signer().tick()
    assert first is not None
    assert directory.signer().tick() is None
    directory.write(1)
    second = directory.signer().tick()
    assert second is not None
    assert len(second.heads) == 1
    assert second.heads[0].segment != first.heads[0].segment


def test_a_restarted_signer_goes_on_where_the_last_one_stopped(directory) -> None:
    directory.write(2)
    directory.sign()
    directory.restart_signer()
    directory.write(2)
    directory.sign()
    found = directory.verify()
    assert (found.is_intact, found.manifests, found.unanchored) == (True, 2, 0)
    assert len(directory.manifests()) == 2


def test_a_live_segment_is_signed_further_at_each_tick(directory) -> None:
    trail = directory.open()
    for _ in range(3):
        trail.record(READ)
        directory.sign()
        assert directory.verify().unanchored == 0
    trail.close()
    assert directory.verify().manifests == 3


def test_a_manifest_line_torn_by_a_crash_is_no_manifest(directory) -> None:
    directory.write(2)
    directory.sign()
    directory.restart_signer()
    (path,) = directory.manifests()
    path.write_bytes(path.read_bytes() + lines_of(path)[0][:50])
    directory.write(2)
    directory.sign()
    assert directory.verify().is_intact


def test_a_second_signer_of_the_same_trail_is_refused(directory) -> None:
    directory.write(1)
    directory.sign()
    key = SigningKey(directory.key_path, data_directory=directory.root / "data")
    second = ManifestSigner(directory.trail, key, directory.clock)
    with pytest.raises(RecordError, match="another process"):
        second.tick()
    directory.restart_signer()
    second.tick()
    second.close()


def test_a_signer_does_not_sign_over_a_changed_record(directory) -> None:
    directory.write(4)
    (segment,) = directory.segments()
    segment.write_bytes(segment.read_bytes().replace(b'"request_id":"r1"', b'"request_id":"r9"'))
    with pytest.raises(TrailBroken) as broken:
        directory.sign()
    assert broken.value.position == 2
    assert directory.manifests() == []


def test_a_signer_says_that_a_signed_segment_is_gone_and_signs_the_others(directory) -> None:
    directory.write(2)
    directory.sign()
    directory.segments()[0].unlink()
    directory.write(2)
    with pytest.raises(TrailBroken, match="is gone"):
        directory.sign()
    assert directory.verify().unanchored == 0


def test_a_signer_that_finds_manifests_missing_does_not_go_on(directory) -> None:
    directory.write(2)
    directory.sign()
    directory.restart_signer()
    directory.manifests()[0].unlink()
    with pytest.raises(TrailBroken, match="is missing"):
        directory.sign()


def test_a_manifest_that_cannot_be_written_says_so_and_is_made_up_for(directory) -> None:
    directory.write(2)
    hidden = directory.trail.with_name("hidden")
    directory.sign()
    directory.write(2)
    manifests = directory.trail / "manifests"
    directory.restart_signer()
    manifests.rename(hidden)
    manifests.write_bytes(b"")
    with pytest.raises(RecordError, match="manifest"):
        directory.sign()
    manifests.unlink()
    hidden.rename(manifests)
    directory.sign()
    assert directory.verify().unanchored == 0


def test_the_private_key_is_for_its_owner_only(directory) -> None:
    assert directory.key_path.stat().st_mode & 0o777 == 0o600
    directory.key_path.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        SigningKey(directory.key_path, data_directory=directory.root / "data")


def test_a_key_is_made_once_and_kept(directory) -> None:
    before = directory.key_path.read_bytes()
    create_signing_key(directory.key_path)
    assert directory.key_path.read_bytes() == before


def test_a_key_inside_the_data_directory_is_refused(directory) -> None:
    inside = directory.root / "data" / "keys" / "trail.key"
    create_signing_key(inside)
    with pytest.raises(SettingsError, match="outside the data directory"):
        SigningKey(inside, data_directory=directory.root / "data")
    link = directory.root / "linked"
    link.symlink_to(inside.parent)
    with pytest.raises(SettingsError, match="outside the data directory"):
        SigningKey(link / "trail.key", data_directory=directory.root / "data")


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_a_file_that_holds_no_key_is_refused(tmp_path, content) -> None:
    (tmp_path / "trail.pub").write_bytes(content)
    with pytest.raises(SettingsError):
        VerifyingKey(tmp_path / "trail.pub")


def test_a_missing_key_says_what_makes_one(tmp_path) -> None:
    with pytest.raises(SettingsError, match="pacsgate init"):
        VerifyingKey(tmp_path / "trail.pub")


def test_a_head_is_signed_only_after_its_segment_was_synced(directory, monkeypatch) -> None:
    directory.write(1)
    synced = []
    real = os.fdatasync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", note)
    directory.sign()
    assert synced == directory.segments()
