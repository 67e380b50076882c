"""What is remembered of how a kind's rows begin answers as the rows do, or not at all."""

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.stores import heads as heads_module
from pacsgate.stores.heads import Heads

KIND, EVER = 7, 99
moments = st.integers(0, 12)


def first(rows: list[tuple[int, int, int]], oldest: int, limit: int) -> list[tuple[int, int, int]]:
    return [row for row in rows if row[0] >= oldest][:limit]


@given(
    st.lists(moments),
    st.lists(st.tuples(moments, st.integers(1, 8)), min_size=1, max_size=4),
    moments,
    st.integers(1, 8),
)
def test_what_is_remembered_is_what_the_rows_say(
    recencies: list[int], asked_before: list[tuple[int, int]], oldest: int, limit: int
) -> None:
    rows = [(recency, number, KIND) for number, recency in enumerate(sorted(recencies, reverse=True))]
    heads = Heads()
    for asked_oldest, asked_limit in asked_before:
        heads.keep(
            KIND,
            EVER,
            version=3,
            oldest=asked_oldest,
            limit=asked_limit,
            rows=first(rows, asked_oldest, asked_limit),
        )
    found = heads.find(KIND, EVER, changed=2, version=4, oldest=oldest, limit=limit)
    assert found is None or found == first(rows, oldest, limit)
    asked_oldest, asked_limit = asked_before[-1]
    if asked_oldest <= oldest and asked_limit >= limit:
        assert found is not None


def test_a_kind_that_has_changed_since_is_asked_again() -> None:
    heads = Heads()
    heads.keep(KIND, EVER, version=3, oldest=0, limit=2, rows=[(5, 1, KIND)])
    assert heads.find(KIND, EVER, changed=3, version=8, oldest=0, limit=2) == [(5, 1, KIND)]
    assert heads.find(KIND, EVER, changed=4, version=8, oldest=0, limit=2) is None


def test_whoever_reads_an_older_state_is_not_told_of_a_newer_one() -> None:
    heads = Heads()
    heads.keep(KIND, EVER, version=3, oldest=0, limit=2, rows=[(5, 1, KIND)])
    assert heads.find(KIND, EVER, changed=1, version=2, oldest=0, limit=2) is None
    heads.keep(KIND, EVER, version=2, oldest=0, limit=2, rows=[])
    assert heads.find(KIND, EVER, changed=1, version=3, oldest=0, limit=2) == [(5, 1, KIND)]


def test_no_more_is_remembered_than_is_allowed(monkeypatch) -> None:
    monkeypatch.setattr(heads_module, "MOST", 10)
    heads = Heads()
    for kind in range(100):
        heads.keep(kind, EVER, version=1, oldest=0, limit=3, rows=[(5, 1, kind), (4, 2, kind)])
        assert len(heads._known) <= 4
    assert heads.find(99, EVER, changed=1, version=1, oldest=0, limit=2) is not None
