from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.mask import NO_MASK, Mask

KEYWORDS = ("PatientName", "PatientID", "StudyDate")
masks = st.builds(Mask, st.frozensets(st.sampled_from(KEYWORDS)), st.booleans())


@given(masks, masks)
def test_joined_masks_hide_what_both_hide_or_what_either_hides(one: Mask, other: Mask) -> None:
    for keyword in (*KEYWORDS, "SomethingElse"):
        assert (one & other).hides(keyword) is (one.hides(keyword) and other.hides(keyword))
        assert (one | other).hides(keyword) is (one.hides(keyword) or other.hides(keyword))


@given(masks)
def test_no_mask_takes_every_mask_away_and_adds_none(mask: Mask) -> None:
    assert mask & NO_MASK == NO_MASK
    assert mask | NO_MASK == mask
    assert NO_MASK.hides_nothing
