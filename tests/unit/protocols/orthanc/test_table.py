"""The table of the code, the one written by hand and what the real Orthanc lists name the same operations."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.model.actions import ALL_ACTIONS, Action
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.routes import Handler, Needs, Route
from pacsgate.protocols.orthanc.routing import match
from pacsgate.protocols.orthanc.table import ROUTES, operations_below
from tests.support.orthanc_documentation import orthanc_documentation

ORACLE = Path(__file__).parents[3] / "oracle" / "orthanc_routes.csv"
LEVELS = {
    "patients": Level.PATIENT,
    "studies": Level.STUDY,
    "series": Level.SERIES,
    "instances": Level.INSTANCE,
}
ONE = "6b0d4bd6-1b5bb9d6-6a2f0d54-0c1e7a0f-aa11bb22"
EXAMPLES = {
    "id": ONE,
    "name": "Origin",
    "label": "urgent",
    "key": "archive",
    "plugin": "dicom-web",
    "partner": "other-pacs",
    "job": "6b0d4bd6-1b5b-4fd6-8a2f-0d540c1e7a0f",
    "query": "6b0d4bd6-1b5b-4fd6-8a2f-0d540c1e7a0f",
    "commitment": "1.2.3",
    "entry": "w1",
    "frame": "0",
    "index": "2",
    "file*": "js/explorer.js",
    "tags*": "0008-1140/0/0008-1155",
}


def bare(template: str) -> str:
    """A template with its variables' names left out."""
    return re.sub(r"\{[^}*]*(\*?)\}", r"{\1}", template)


def example(template: str) -> tuple[str, ...]:
    path = re.sub(r"\{([^}]*)\}", lambda found: EXAMPLES[found[1]], template)
    return tuple(segment for segment in path.split("/") if segment)


def spelled(needs: Needs) -> str:
    """What a row needs, as the oracle writes it."""
    actions = "+".join(sorted(needs.actions, reverse=True))
    some = "any" if needs.any_of == ALL_ACTIONS else "|".join(sorted(needs.any_of))
    return " or ".join(filter(None, (actions, some, *sorted(needs.permissions, reverse=True))))


def in_oracle() -> Iterator[tuple[tuple[str, str], dict[str, str], Level | None]]:
    """Each operation of the oracle, its row, and the level of what it names or lists."""
    with ORACLE.open(newline="") as file:
        for row in csv.DictReader(file):
            for word in row["levels"].split(" "):
                path = row["path"].replace("{level}", word)
                yield (row["method"], path), row, LEVELS.get(word)


def normal(needs: str) -> str:
    """What a row of the oracle needs, in one order."""
    alternatives = ["|".join(sorted(each.split("|"))) for each in needs.split(" or ")]
    return " or ".join(alternatives)


def test_the_table_and_the_oracle_name_the_same_operations() -> None:
    oracle = [operation for operation, row, _ in in_oracle() if row["answer"] != "none"]
    assert len(set(oracle)) == len(oracle)
    assert sorted((route.method, bare(route.template)) for route in ROUTES) == sorted(oracle)


def test_each_operation_needs_what_the_oracle_says() -> None:
    table = {(route.method, bare(route.template)): route for route in ROUTES}
    for operation, row, level in in_oracle():
        if row["answer"] != "none":
            route = table[operation]
            assert (operation, spelled(route.needs)) == (operation, normal(row["needs"]))
            assert (operation, route.handler is Handler.DENIED) == (operation, row["answer"] == "denied")
            assert (operation, route.level) == (operation, level)


def test_what_the_oracle_says_is_not_there_matches_nothing() -> None:
    for (method, path), row, _ in in_oracle():
        if row["answer"] == "none":
            segments = path.replace("{*}", "x").replace("{}", ONE).split("/")[1:]
            assert match(method, tuple(segments)) is None


@pytest.mark.server("orthanc")
def test_every_operation_that_orthanc_documents_has_a_row() -> None:
    documentation = orthanc_documentation()
    assert len(documentation.operations) >= 208
    assert len(documentation.unsaid) >= 60
    table = {(route.method, bare(route.template)) for route in ROUTES}
    for method, path in documentation.operations | documentation.unsaid:
        assert (method, bare(path)) in table


def test_each_row_is_reached_by_an_example_of_its_path() -> None:
    for route in ROUTES:
        found = match(route.method, example(route.template))
        assert found is not None
        assert found.route is route
        assert found.path == "/" + "/".join(example(route.template))


def test_head_is_matched_as_get_and_other_methods_as_nothing() -> None:
    for route in ROUTES:
        path = example(route.template)
        assert match("TRACE", path) is None
        if route.method == "GET":
            assert match("HEAD", path) == match("GET", path)


def test_no_row_needs_nothing() -> None:
    with pytest.raises(ValueError):
        Needs()


CHANGING = {Action.STORE, Action.APPEND, Action.ANNOTATE, Action.UPDATE, Action.DELETE, Action.SHARE}


def test_what_is_read_with_get_needs_no_action_that_changes() -> None:
    for route in ROUTES:
        if route.method == "GET":
            assert not route.needs.actions & CHANGING


def test_what_is_not_read_with_get_needs_more_than_to_look_but_for_questions_in_a_body() -> None:
    questions = {"find", "count-resources", "lookup", "bulk-content"}
    for route in ROUTES:
        looks = route.needs.actions and route.needs.actions <= {Action.SEARCH, Action.VIEW}
        if route.method != "GET" and looks:
            assert route.route_id in questions or route.template.endswith("/verify-md5")


def test_route_ids_are_unique() -> None:
    assert len({route.route_id for route in ROUTES}) == len(ROUTES)


def test_a_row_that_nobody_reaches_says_why() -> None:
    for route in ROUTES:
        assert (route.handler is Handler.DENIED) == bool(route.note)


def test_a_row_that_names_a_resource_has_its_level() -> None:
    for route in ROUTES:
        if "{id}" in route.template:
            assert route.level is LEVELS[route.template.split("/")[1]]


def test_the_names_in_a_path_arrive_in_the_match() -> None:
    found = match("GET", example("/instances/{id}/frames/{frame}/preview"))
    assert found is not None
    assert (found.orthanc_id, found.level, found.frame) == (ONE, Level.INSTANCE, 0)
    assert found.operation == "preview"
    answer = match("GET", example("/queries/{query}/answers/{index}/content"))
    assert answer is not None
    assert (answer.handle, answer.level) == (EXAMPLES["query"], None)
    metadata = match("PUT", example("/series/{id}/metadata/{name}"))
    assert metadata is not None
    assert (metadata.orthanc_id, metadata.name) == (ONE, "Origin")
    sent = match("POST", example("/modalities/{partner}/store"))
    assert sent is not None
    assert (sent.partner, sent.operation) == ("other-pacs", "store")
    content = match("GET", example("/instances/{id}/content/{tags*}"))
    assert content is not None
    assert content.rest == ("0008-1140", "0", "0008-1155")


@pytest.mark.parametrize(
    "path",
    [
        f"/studies/{ONE.upper()}",
        f"/studies/{ONE}0",
        "/studies/1.2.3",
        "/studies/*",
        f"/instances/{ONE}/frames/-1/preview",
        f"/instances/{ONE}/frames/01/preview",
        f"/instances/{ONE}/frames/1,2/preview",
        f"/instances/{ONE}/metadata/a b",
        "/modalities/a b",
        "/jobs/1",
        "/jobs/6B0D4BD6-1B5B-4FD6-8A2F-0D540C1E7A0F",
        "/storage-commitment/1..2",
        "/app/a b.js",
    ],
)
def test_a_name_that_orthanc_never_gave_is_no_row(path: str) -> None:
    assert match("GET", tuple(path.split("/")[1:])) is None


def test_what_orthanc_lists_below_a_path_comes_from_the_table() -> None:
    assert operations_below("/peers/{partner}") == ("configuration", "store", "store-straight", "system")
    assert "execute-script" in operations_below("/tools")
    assert "delete" not in operations_below("/dicom-web/servers/{partner}")


def variables(route: Route) -> set[str]:
    return set(re.findall(r"\{([^}]*)\}", route.template))


def test_every_variable_has_an_example() -> None:
    assert set().union(*map(variables, ROUTES)) == EXAMPLES.keys()
