"""An outcome is carried out as a whole, or not at all."""

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dcm4chee.orders import Order, Verb, Written, read_outcome

GOOD: Written = ("grant", {"role": "Doctor", "action": "Q,R", "suid": "1.2.3"})


def test_grants_and_revokes_keep_their_order_and_all_else_is_passed_over() -> None:
    revoke: Written = ("revoke", {"role": "Doctor", "action": "A , Q", "pid": "P1", "issuer": "HOSP"})
    assert read_outcome([("permissions", {"x": "y"}), revoke, GOOD]).orders == (
        Order(Verb.REVOKE, "Doctor", "QA", patient_id="P1", issuer_of_patient_id="HOSP"),
        Order(Verb.GRANT, "Doctor", "QR", study_instance_uid="1.2.3"),
    )


def test_an_order_may_name_a_study_and_a_patient() -> None:
    both = read_outcome([("grant", {"role": "r", "action": "Q", "suid": "1.2", "pid": "P"})])
    assert [(order.study_instance_uid, order.patient_id) for order in both.orders] == [
        ("1.2", None),
        (None, "P"),
    ]


@pytest.mark.parametrize(
    "given", [{"suid": ""}, {"pid": ""}, {"pid": "", "issuer": "HOSP"}, {"suid": "not a uid"}]
)
def test_an_order_on_nothing_is_left_out_and_named(given: dict[str, str]) -> None:
    outcome = read_outcome([("grant", {"role": "r", "action": "Q", **given}), GOOD])
    assert len(outcome.orders) == 1
    assert len(outcome.idle) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"action": "Q", "suid": "1.2"},
        {"role": " ", "action": "Q", "suid": "1.2"},
        {"role": "r", "suid": "1.2"},
        {"role": "r", "action": "", "suid": "1.2"},
        {"role": "r", "action": "Q,X", "suid": "1.2"},
        {"role": "r", "action": "QR", "suid": "1.2"},
        {"role": "r", "action": "Q"},
    ],
)
def test_one_wrong_order_makes_the_whole_outcome_worthless(given: dict[str, str]) -> None:
    with pytest.raises(RequestError):
        read_outcome([GOOD, ("grant", given)])
