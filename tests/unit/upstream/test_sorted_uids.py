"""UIDs in order, however many runs they were collected in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.upstream.sorted_uids import SortedUids


@given(
    uids=st.lists(st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,3}", fullmatch=True)),
    run_length=st.integers(1, 5),
)
def test_merged_runs_are_the_sorted_set(
    tmp_path_factory: pytest.TempPathFactory, uids: list[str], run_length: int
) -> None:
    with SortedUids(tmp_path_factory.getbasetemp(), run_length) as collected:
        for uid in uids:
            collected.add(uid)
        assert list(collected) == sorted(set(uids))
