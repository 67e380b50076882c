from hypothesis import given
from hypothesis import strategies as st

from pacsgate.stores.contributions import (
    Contribution,
    disagreements,
    pack_contributions,
    refilled,
    series_union,
    study_union,
    unpack_contributions,
)
from pacsgate.stores.packing import pack_facts, unpack_facts
from pacsgate.stores.storable import storable_facts, storable_json, storable_text

scalars = st.text(max_size=5) | st.integers() | st.floats(allow_nan=False) | st.booleans()
facts = st.dictionaries(st.sampled_from("abc"), st.frozensets(scalars, max_size=3), max_size=3)
contributions = st.lists(st.builds(Contribution.of, facts, facts), max_size=4)


@given(contributions)
def test_a_whole_knows_what_every_part_knows_with_every_value(parts: list[Contribution]) -> None:
    whole = study_union(parts)
    known = set.intersection(*(set(part.study) for part in parts)) if parts else set()
    assert set(whole) == known
    for name, values in whole.items():
        assert values == frozenset().union(*(part.study[name] for part in parts))


@given(contributions, facts, facts)
def test_refilling_never_makes_a_disagreement_disappear(
    parts: list[Contribution], one: object, other: object
) -> None:
    fresh = Contribution.of(one, other)
    after = refilled(parts, fresh)
    assert set(after.study) == set(fresh.study)
    for name, values in series_union(parts).items():
        if len(values) > 1 and name in after.series:
            assert values <= after.series[name]
    for name, values in fresh.study.items():
        assert values <= after.study[name]


@given(contributions)
def test_contributions_come_back_from_their_bytes(parts: list[Contribution]) -> None:
    assert unpack_contributions(pack_contributions(parts)) == parts


@given(facts.map(storable_facts))
def test_equal_facts_have_equal_bytes(one: dict[str, frozenset[object]]) -> None:
    again = {name: frozenset(sorted(one[name], key=repr, reverse=True)) for name in sorted(one, reverse=True)}
    assert pack_facts(one) == pack_facts(again)
    assert unpack_facts(pack_facts(one)) == one


def test_only_what_should_have_one_value_can_disagree() -> None:
    held = {
        "one": frozenset({"A"}),
        "two": frozenset({"A", "B"}),
        "set": frozenset({"A", "B"}),
        "none": frozenset(),
    }
    assert set(disagreements(held, frozenset({"set"}))) == {"two"}


@given(st.text(st.characters(), max_size=8))
def test_repaired_text_is_what_every_database_takes_and_stays_as_it_is(value: str) -> None:
    repaired = storable_text(value)
    assert "\0" not in repaired
    assert repaired.encode("utf-8").decode("utf-8") == repaired
    assert storable_text(repaired) == repaired
    if "\0" not in value and value.isascii():
        assert repaired == value


def test_repair_reaches_into_sequences() -> None:
    deep = {"00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["a\0", None, 2**70]}}]}}
    repaired = storable_json(deep)["00400275"]["Value"][0]["00400009"]["Value"]
    assert repaired == ["a\N{REPLACEMENT CHARACTER}", None, float("inf")]
