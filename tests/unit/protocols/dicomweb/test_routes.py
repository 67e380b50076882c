"""The table of the code and the table written by hand name the same routes and actions."""

import csv
from pathlib import Path

import pytest

from pacsgate.model.actions import ALL_ACTIONS
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.offers import offers
from pacsgate.protocols.dicomweb.routes import ROUTES, WADO_URI, ActionsNeeded, Handler, actions_for
from pacsgate.protocols.dicomweb.routing import match
from pacsgate.protocols.paths import canonical_path

ORACLE = Path(__file__).parents[3] / "oracle" / "routes.csv"
EXAMPLES = {
    "{study}": "1.2.3",
    "{series}": "1.2.3.4",
    "{instance}": "1.2.3.4.5",
    "{frames}": "1,3",
    "{tags*}": "00540016/1/00181234",
    "{workitem}": "1.2.9",
    "{aetitle}": "WATCHER",
    "{uid}": "1.2.8",
    "{transaction}": "1.2.7",
}


def oracle_rows() -> list[dict[str, str]]:
    with ORACLE.open(newline="") as file:
        return list(csv.DictReader(file))


def example(template: str) -> tuple[str, ...]:
    for variable, value in EXAMPLES.items():
        template = template.replace(variable, value)
    return canonical_path(template.partition("?")[0].encode())


def spelled(needs: ActionsNeeded) -> tuple[str, frozenset[str]]:
    if needs.all_of and needs.any_of:
        raise AssertionError("the oracle has no word for both at once")
    return ("all", needs.all_of) if needs.all_of else ("any", needs.any_of)


def read(actions: str) -> tuple[str, frozenset[str]]:
    return (
        ("any", frozenset(actions.split("|"))) if "|" in actions else ("all", frozenset(actions.split("+")))
    )


def test_the_table_and_the_oracle_name_the_same_routes() -> None:
    in_oracle = [row for row in oracle_rows() if row["route_id"] != "-" and not row["media"]]
    assert sorted(
        (row["route_id"], row["method"], row["path"], row["answer"] == "served") for row in in_oracle
    ) == sorted((route.route_id, route.method, route.template, route.implemented) for route in ROUTES)


@pytest.mark.parametrize(
    "row", oracle_rows(), ids=lambda row: f"{row['method']} {row['path']} {row['media']}"
)
def test_each_row_of_the_oracle_is_matched_and_needs_what_it_says(row: dict[str, str]) -> None:
    wado = "requestType=WADO" in row["path"]
    found = match(row["method"], example(row["path"]), wado_uri=wado)
    if row["answer"] == "denied":
        assert found is None
        return
    assert found is not None
    assert found.route.route_id == row["route_id"]
    media = MediaType(row["media"]) if row["media"] else MediaType.JPEG
    assert spelled(actions_for(found.route, media)) == read(row["actions"])


def test_no_row_needs_nothing() -> None:
    with pytest.raises(ValueError):
        ActionsNeeded()
    assert all(route.needs.all_of or route.needs.any_of for route in ROUTES)


def test_route_ids_are_unique() -> None:
    assert len({route.route_id for route in ROUTES}) == len(ROUTES)


def test_the_names_in_a_path_arrive_in_the_match() -> None:
    found = match("GET", canonical_path(b"/studies/1.2/series/3.4/instances/5.6/frames/2,1,2"))
    assert found is not None
    assert found.key is not None
    assert (found.key.study_instance_uid, found.key.series_instance_uid, found.key.sop_instance_uid) == (
        "1.2",
        "3.4",
        "5.6",
    )
    assert found.frames == (2, 1, 2)
    assert found.key.level is Level.INSTANCE


def test_a_tag_path_is_read_in_upper_case() -> None:
    found = match("GET", canonical_path(b"/studies/1/series/2/instances/3/bulkdata/7fe00010"))
    assert found is not None
    assert found.bulkdata == ("7FE00010",)


@pytest.mark.parametrize("handler", [Handler.SEARCH])
def test_the_level_of_a_search_is_that_of_its_rows(handler: Handler) -> None:
    levels = {route.template.rpartition("/")[2]: route.level for route in ROUTES if route.handler is handler}
    assert levels == {"studies": Level.STUDY, "series": Level.SERIES, "instances": Level.INSTANCE}


def test_head_is_matched_as_get() -> None:
    for route in ROUTES:
        if route.method == "GET" and route is not WADO_URI:
            assert match("HEAD", example(route.template)) == match("GET", example(route.template))


@pytest.mark.parametrize("method", ["get", "TRACE", "CONNECT", "PROPFIND", "GET ", ""])
def test_a_method_that_is_not_in_the_table_matches_nothing(method: str) -> None:
    assert all(match(method, example(route.template)) is None for route in ROUTES)


def test_wado_uri_is_only_at_the_root_and_only_with_get() -> None:
    assert match("GET", (), wado_uri=True) is not None
    assert match("POST", (), wado_uri=True) is None
    assert match("GET", ("studies",), wado_uri=True) is None


@pytest.mark.parametrize(
    "path",
    [
        b"/studies/1.2.",
        b"/studies/1..2",
        b"/studies/*",
        b"/studies/1.2,1.3",
        b"/studies/1.2%2A",
        b"/studies/" + b"1" * 65,
        b"/studies/rendered3d",
        b"/studies/1/series/2/instances/3/frames/0",
        b"/studies/1/series/2/instances/3/frames/1,,2",
        b"/studies/1/series/2/instances/3/frames/1-5",
        b"/studies/1/series/2/instances/3/frames/" + b",".join([b"1"] * 1001),
        b"/studies/1/series/2/instances/3/bulkdata/PixelData",
        b"/studies/1/series/2/instances/3/bulkdata/00540016/0/00181234",
        b"/studies/1/series/2/instances/3/bulkdata/00540016/1",
        b"/workitems/1.2/subscribers/TOO%20LONG%20A%20TITLE%20FOR%20AN%20AE",
    ],
)
def test_a_malformed_name_in_a_path_is_refused_before_anything_is_looked_up(path: bytes) -> None:
    methods = ("GET", "POST")
    with pytest.raises(RequestError) as refusal:
        assert [match(method, canonical_path(path)) for method in methods] == []
    assert refusal.value.status == 400


def test_the_default_answer_of_a_row_needs_no_more_than_the_row_says() -> None:
    for route in ROUTES:
        for offer in offers(route)[:1]:
            assert actions_for(route, offer.media) == route.needs


def test_capabilities_are_for_whoever_may_do_anything_at_all() -> None:
    for route in ROUTES:
        if route.handler is Handler.CAPABILITIES:
            assert route.needs.any_of == ALL_ACTIONS
