import pytest

from pacsgate.model.errors import SettingsError
from tests.support.indexing import SEEN, instance
from tests.support.people import SCOPE


@pytest.fixture(autouse=True)
def rad1(run):
    run("user", "add", "rad1", "--no-password")


RAD1 = ("--user", "rad1")


def test_a_permission_is_given_once_listed_and_taken_back(run):
    given = run("permission", "grant", *RAD1, "--study", "1.2.3", "--action", "QR", "--json").json
    assert (given["permissions"], given["letters"], given["studies"]) == (3, 2, ["1.2.3"])
    assert (
        run("permission", "grant", *RAD1, "--study", "1.2.3", "--action", "Q", "--json").json["letters"] == 0
    )
    (row,) = run("permission", "list", "--study", "1.2.3", "--json").json
    assert (row["grantee"], row["actions"], row["letters"]) == (
        "user:rad1",
        ["retrieve", "search", "view"],
        "QR",
    )
    assert row["origin"] == "command"
    assert "user:rad1" in run("permission", "list").out
    taken = run("permission", "revoke", *RAD1, "--study", "1.2.3", "--action", "Q,R,D", "--json").json
    assert (taken["permissions"], taken["letters"]) == (3, 2)
    assert run("permission", "list", "--json").json == []


def test_a_patients_studies_are_named_and_those_to_come_are_a_grant(run, people):
    people.index.ingest(
        SCOPE, "main", [instance("1.2.1"), instance("1.2.2"), instance("1.2.3", patient="X")], SEEN
    )
    given = run(
        "permission", "grant", *RAD1, "--patient", "P1", "--action", "view", "--future", "--json"
    ).json
    assert given["studies"] == ["1.2.1", "1.2.2"]
    assert [each["grant_id"] for each in run("grant", "list", "--json").json] == [given["grant_id"]]
    taken = run("permission", "revoke", *RAD1, "--patient", "P1", "--action", "view", "--json").json
    assert taken["grant_ids"] == [given["grant_id"]]


def test_permissions_of_studies_that_no_archive_holds_are_orphans(run, people):
    people.index.ingest(SCOPE, "main", [instance("1.2.1")], SEEN)
    for study in ("1.2.1", "1.2.9"):
        run("permission", "grant", *RAD1, "--study", study, "--action", "view")
    assert [row["study"] for row in run("permission", "list", "--orphans", "--json").json] == ["1.2.9"]
    assert len(run("permission", "list", *RAD1, "--json").json) == 2
    assert run("permission", "list", "--role", "radiologist", "--json").json == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("grant", *RAD1, "--study", "1.2.3"),
        ("grant", *RAD1, "--action", "view"),
        ("grant", "--study", "1.2.3", "--action", "view"),
        ("grant", *RAD1, "--study", "1.2.3", "--action", "fly"),
        ("grant", *RAD1, "--study", "1.2.3", "--action", "QX"),
        ("grant", *RAD1, "--study", "1.2.3", "--action", "store"),
        ("grant", *RAD1, "--study", "1.2.3", "--patient", "P", "--action", "view"),
        ("grant", "--role", "radiologist", "--study", "1.2.3", "--action", "delete"),
        ("revoke", *RAD1, "--study", "1.2.3"),
        ("list", "--study", "1.2.3", "--orphans"),
        ("list", "--user", "a", "--role", "b"),
    ],
)
def test_what_makes_no_sense_is_refused(run, arguments):
    assert run("permission", *arguments).exit_code == 2
    assert run("permission", "list", "--json").json == []


def test_a_letter_is_listed_when_all_its_actions_are_held_whenever_they_were_given(run):
    def letters() -> list[str]:
        return [row["letters"] for row in run("permission", "list", "--study", "1.2.3", "--json").json]

    run("permission", "grant", *RAD1, "--study", "1.2.3", "--action", "view")
    assert letters() == [""]
    run("permission", "grant", *RAD1, "--study", "1.2.3", "--action", "retrieve")
    assert set(letters()) == {"R"}


def test_what_is_still_to_come_of_one_study_is_no_question(run):
    with pytest.raises(SettingsError, match="`--future` is for a patient or a collection"):
        run("permission", "grant", *RAD1, "--study", "1.2.3", "--action", "Q", "--future")
