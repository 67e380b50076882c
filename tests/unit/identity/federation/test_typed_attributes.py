"""Texts of sources as the numbers that policies compare."""

from pacsgate.identity.federation.typed_attributes import with_numbers


def test_what_a_policy_compares_as_a_number_is_made_one_and_the_rest_stays_text():
    found = with_numbers({"clearance": frozenset({"2", "-3"}), "room": frozenset({"2"})}, ["clearance"])
    assert found == {"clearance": {2, -3}, "room": {"2"}}


def test_what_is_no_number_is_left_out():
    texts = frozenset({"two", "2.5", "", "٢", "--2", "0x2"})
    assert with_numbers({"clearance": texts}, ["clearance"]) == {}
