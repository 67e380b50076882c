import pytest

from pacsgate.services.pacs_queue.order import entity_of, fingerprint_of


@pytest.mark.parametrize(
    ("operation", "ids", "body", "entity"),
    [
        ("IdentityUpdate", {"identity": "a"}, {"identityId": "b"}, "identity/a"),
        ("IdentityCreate", {}, {"identityId": "a"}, "identity/a"),
        ("IdentityCreate", {}, {"identityId": 7}, "identity/?m"),
        ("IdentityCreate", {}, [], "identity/?m"),
        ("IdentityList", {}, None, "identity/?m"),
        ("IdentityCredentialCreate", {"identity": "a"}, {"credentialId": "c"}, "identity/a"),
        ("IdentityAccessUnitAssign", {"identity": "a", "unit": "u"}, None, "identity/a"),
        ("VisitCheckIn", {"visit": "a"}, None, "visit/a"),
        ("VisitCreate", {}, {"visitId": "a"}, "visit/a"),
        ("AccessUnitIdentityList", {"unit": "u"}, None, "access-unit/u"),
        ("PolicyPublish", {}, {"sources": {}}, "pacs/"),
    ],
)
def test_order_is_kept_by_what_an_operation_is_about(
    operation: str, ids: dict[str, str], body: object, entity: str
) -> None:
    assert entity_of(operation, ids, body, "m") == entity


def test_requests_are_told_apart_by_all_that_they_say() -> None:
    said = [
        ("p", "o", {"i": "1"}, {"a": 1}, {"q": "1"}),
        ("q", "o", {"i": "1"}, {"a": 1}, {"q": "1"}),
        ("p", "q", {"i": "1"}, {"a": 1}, {"q": "1"}),
        ("p", "o", {"i": "2"}, {"a": 1}, {"q": "1"}),
        ("p", "o", {"i": "1"}, {"a": 2}, {"q": "1"}),
        ("p", "o", {"i": "1"}, {"a": 1}, {"q": "2"}),
        ("p", "o", {"i": "1"}, {"a": 1.5}, {"q": "1"}),
        ("p", "o", {"i": "1"}, {"a": "1"}, {"q": "1"}),
    ]
    assert len({fingerprint_of(*each) for each in said}) == len(said)
    assert fingerprint_of("p", "o", {}, {"a": 1, "b": 2}, {}) == fingerprint_of(
        "p", "o", {}, {"b": 2, "a": 1}, {}
    )
