from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.grant import GrantTarget
from pacsgate.services.access.image_units import LONGEST_ID, target_of, unit_id

KINDS = st.sampled_from((GrantTarget.COLLECTION, GrantTarget.DEPARTMENT))
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(KINDS, NAMES)
def test_an_id_says_which_unit_it_is_and_needs_no_escape_in_a_path(kind: GrantTarget, name: str) -> None:
    identifier = unit_id(kind, name)

    assert identifier.isascii()
    assert not set(identifier) & set("/?#%&+ \\\n")
    assert target_of(identifier) == ((kind, name) if len(identifier) <= LONGEST_ID else None)


@given(st.text(max_size=60) | st.from_regex(r"(collection|department):[~0-9a-f.A-Z]{1,12}", fullmatch=True))
def test_whatever_is_taken_for_an_id_is_the_one_id_of_its_unit(text: str) -> None:
    found = target_of(text)

    assert found is None or unit_id(*found) == text


def test_grants_on_other_things_are_no_units() -> None:
    for kind in ("study", "patient", "series", "study-permission"):
        assert target_of(f"{kind}:1.2.3") is None
