from collections.abc import Mapping
from typing import Any

import pytest

from pacsgate.model.extension_fields import ExtensionField, FieldType
from pacsgate.model.pacs_operation import EntityKind
from tests.support.doors import Site

FIELDS = {
    "staffNumber": ExtensionField(FieldType.INTEGER, required=True),
    "badge": ExtensionField(FieldType.STRING),
    "since": ExtensionField(FieldType.DATE),
}


def make(site: Site, fields: Mapping[str, Any] | None = None, **more: Any) -> Any:
    body = {"identityId": "e-1", "name": "Ada Reis"} | more
    return site.ask("IdentityCreate", body | ({} if fields is None else {"extensionFields": fields}))


def test_an_identity_is_told_as_it_was_said(site: Site) -> None:
    site.fields[EntityKind.IDENTITY] = FIELDS
    said = {"staffNumber": 7, "badge": "B-1", "since": "2026-02-28"}
    make(site, said, email="ada@example.org", organization="North", validTo="2027-01-01T01:00:00+01:00")

    told = site.ask("IdentityGet", identity="e-1").body
    assert told["extensionFields"] == said
    assert (told["email"], told["organization"]) == ("ada@example.org", "North")
    assert told["validTo"] == "2027-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "fields",
    [
        None,
        {},
        {"badge": "B-1"},
        {"staffNumber": "7"},
        {"staffNumber": True},
        {"staffNumber": 7.5},
        {"staffNumber": 7, "colour": "mauve"},
        {"staffNumber": 7, "since": "2026-02-30"},
        {"staffNumber": 7, "badge": ["B-1"]},
    ],
)
def test_extension_fields_that_do_not_fit_are_refused_and_nothing_is_kept(
    site: Site, fields: Mapping[str, Any] | None
) -> None:
    site.fields[EntityKind.IDENTITY] = FIELDS

    refused = make(site, fields)

    assert refused.status == 400
    assert "mauve" not in refused.body["message"]
    assert site.ask("IdentityGet", identity="e-1").status == 404


def test_a_field_that_becomes_required_is_asked_for_at_the_next_change(site: Site) -> None:
    make(site)
    site.fields[EntityKind.IDENTITY] = FIELDS

    assert site.ask("IdentityGet", identity="e-1").status == 200
    assert site.ask("IdentityUpdate", {"name": "Ada Reis"}, identity="e-1").status == 400


def test_an_id_is_taken_once_and_never_changes(site: Site) -> None:
    make(site)

    assert make(site).status == 409
    moved = site.ask("IdentityUpdate", {"identityId": "e-2", "name": "Ada Reis"}, identity="e-1")
    assert moved.status == 400
    assert site.ask("IdentityUpdate", {"name": "Ada R.", "account": "ada"}, identity="e-1").status == 409
    assert site.ask("IdentityUpdate", {"name": "Ada R."}, identity="e-1").body["name"] == "Ada R."


def test_whoever_brings_no_id_gets_one(site: Site) -> None:
    made = [site.ask("IdentityCreate", {"name": "Ada Reis"}).body["identityId"] for _ in range(2)]

    assert len(set(made)) == 2
    assert site.ask("IdentityGet", identity=made[0]).status == 200
