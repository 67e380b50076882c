"""Which directories the embedded archive takes for its own, and what its names tell."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError, SettingsError
from pacsgate.model.resource import ResourceKey
from pacsgate.upstream.folder.layout import Layout, sop_instance_uid_of

uids = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,4}){0,5}", fullmatch=True)


def test_a_directory_with_somebody_elses_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "IM0001.dcm").write_bytes(b"")
    with pytest.raises(SettingsError, match="not empty and was not made by pacsgate"):
        Layout(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["IM0001.dcm"]


def test_a_layout_from_the_future_is_refused(tmp_path: Path) -> None:
    Layout(tmp_path / "a")
    (tmp_path / "a" / "pacsgate-archive").write_bytes(b"2\n")
    with pytest.raises(SettingsError, match="layout"):
        Layout(tmp_path / "a")


@given(keys=st.lists(st.tuples(uids, uids, uids), min_size=1, max_size=8))
def test_members_are_found_by_exactly_their_parents(
    tmp_path_factory: pytest.TempPathFactory, keys: list[tuple[str, str, str]]
) -> None:
    layout = Layout(tmp_path_factory.mktemp("layout") / "a")
    for key in keys:
        path = layout.member_path(ResourceKey(*key))
        layout.make_shard(path)
        path.touch()
    for study, series, sop in keys:
        for named in ((study,), (study, series), (study, series, sop)):
            expected = {key for key in keys if key[: len(named)] == named}
            found = layout.members(ResourceKey(*named))
            assert {tuple(path.stem.split("~")) for path in found} == expected
            assert {sop_instance_uid_of(path) for path in found} == {key[2] for key in expected}


@pytest.mark.parametrize("uid", ["..", "", "1/2", "1\x00", "1" * 65, ".", "1..2", "a"])
def test_what_is_not_a_uid_becomes_no_name(tmp_path: Path, uid: str) -> None:
    layout = Layout(tmp_path / "a")
    for key in (ResourceKey(uid, "1", "1"), ResourceKey("1", uid, "1"), ResourceKey("1", "1", uid)):
        with pytest.raises(RequestError) as refused:
            layout.member_path(key)
        assert refused.value.status == 404
    with pytest.raises(RequestError):
        layout.object_path(uid)
