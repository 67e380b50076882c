"""Which rows could pass a proxy unseen: reading of what the path names, and lists of everything."""

from pacsgate.model.actions import Action
from pacsgate.model.resource import Level
from pacsgate.protocols.auth_check.unseen_rows import (
    EveryObject,
    NoObject,
    OneObject,
    OrthancName,
    Unseen,
    of_dicomweb,
    of_orthanc,
)
from pacsgate.protocols.dicomweb import routes as dicomweb_routes
from pacsgate.protocols.dicomweb import routing as dicomweb
from pacsgate.protocols.orthanc import routing as orthanc
from pacsgate.protocols.orthanc.table import ROUTES

ID = "0123abcd-0123abcd-0123abcd-0123abcd-0123abcd"
_VARIABLES = {
    "{id}": ID,
    "{frame}": "0",
    "{index}": "0",
    "{job}": "00000000-0000-0000-0000-000000000000",
    "{query}": "00000000-0000-0000-0000-000000000000",
    "{commitment}": "1.2",
}


def rest(method: str, path: str, **parameters: str) -> Unseen | None:
    found = orthanc.match(method, tuple(path.strip("/").split("/")))
    return None if found is None else of_orthanc(method, found, tuple(parameters.items()))


def web(method: str, path: str, accept: str = "", **parameters: str) -> Unseen | None:
    found = dicomweb.match(method, tuple(path.strip("/").split("/")))
    return None if found is None else of_dicomweb(method, found, tuple(parameters.items()), accept)


def test_an_object_is_named_with_what_is_done_to_it() -> None:
    assert rest("GET", f"/instances/{ID}/file") == OneObject(
        frozenset({Action.RETRIEVE}), OrthancName(Level.INSTANCE, ID)
    )
    assert rest("HEAD", f"/instances/{ID}/preview") == OneObject(
        frozenset({Action.VIEW}), OrthancName(Level.INSTANCE, ID)
    )
    assert rest("GET", f"/studies/{ID}/archive") == OneObject(
        frozenset({Action.RETRIEVE, Action.EXPORT}), OrthancName(Level.STUDY, ID)
    )


def test_lists_are_about_everything() -> None:
    every = EveryObject(frozenset({Action.SEARCH}))
    assert rest("GET", "/studies") == rest("GET", "/studies", expand="", since="0", limit="1") == every
    assert web("GET", "/studies", PatientName="X*") == web("GET", "/studies/1.2/series") == every


def test_what_the_gate_would_tell_otherwise_goes_through_the_gate() -> None:
    assert rest("GET", f"/studies/{ID}") is not None
    for path in (f"/studies/{ID}", f"/instances/{ID}", "/studies"):
        assert rest("GET", path, requestedTags="ContentSequence") is None
        assert rest("GET", path, **{"requested-tags": "ContentSequence"}) is None
    for side in ("width", "height"):
        assert rest("GET", f"/instances/{ID}/rendered", **{side: "100000"}) is None
    for kind in ("metadata", "metadata/HttpUsername", "metadata/AnonymizedFrom", "labels", "labels/VIP"):
        assert rest("GET", f"/studies/{ID}/{kind}") is None


def test_pages_of_the_explorer_are_about_nobody() -> None:
    assert rest("GET", "/app/explorer.html") == NoObject()


def test_a_zip_is_never_safe_where_dicom_is() -> None:
    assert web("GET", "/studies/1.2", "multipart/related; type=application/dicom") is not None
    assert web("GET", "/studies/1.2", "Application/ZIP") is None


def test_an_argument_that_nobody_knows_makes_a_row_unsafe() -> None:
    assert rest("GET", f"/studies/{ID}", something="1") is None
    assert rest("GET", "/studies", something="1") is None
    assert web("GET", "/studies/1.2/metadata", accept="application/zip") is None


def test_what_changes_starts_or_puts_together_something_is_never_safe() -> None:
    """Every row of both tables, whatever it is called: only reading of one object or of all passes."""
    safe = {"GET", "HEAD"}
    for row in ROUTES:
        path = row.template
        for variable, value in _VARIABLES.items():
            path = path.replace(variable, value)
        found = rest(row.method, path.replace("{", "").replace("}", "").replace("*", ""))
        assert found is None or row.method in safe, row
    for route in dicomweb_routes.ROUTES:
        path = route.template.replace("{frames}", "1").replace("{tags*}", "00100010")
        for name in ("study", "series", "instance"):
            path = path.replace(f"{{{name}}}", "1.2")
        if "{" not in path and "?" not in path and path != "/":
            assert web(route.method, path) is None or route.method in safe, route


def test_documents_about_relatives_go_through_the_gate() -> None:
    for path in (
        f"/instances/{ID}/patient",
        f"/series/{ID}/study",
        f"/patients/{ID}/studies",
        f"/studies/{ID}/series",
        "/changes",
        "/jobs",
        "/exports",
        "/modalities",
    ):
        assert rest("GET", path) is None, path
