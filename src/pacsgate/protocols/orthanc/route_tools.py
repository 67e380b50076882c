"""Rows for questions over the whole archive and for work on lists of resources."""

from pacsgate.protocols.orthanc.routes import (
    DELETE,
    OPERATE,
    SEARCH,
    UPDATE,
    VIEW,
    Handler,
    Needs,
    Route,
)


def _post(name: str, needs: Needs, handler: Handler, since: str = "1.10") -> Route:
    return Route(name, "POST", f"/tools/{name}", needs, None, handler, since=since)


ROUTES = (
    _post("find", SEARCH, Handler.FIND),
    _post("count-resources", SEARCH, Handler.COUNT, "1.12.5"),
    _post("lookup", SEARCH, Handler.LOOKUP),
    Route("list-all-labels", "GET", "/tools/labels", SEARCH, None, Handler.LABELS, since="1.12.0"),
    _post("bulk-content", VIEW, Handler.BULK_CONTENT),
    _post("bulk-delete", DELETE, Handler.BULK_DELETE),
    _post("bulk-modify", UPDATE, Handler.BULK_MODIFY),
    _post("bulk-anonymize", UPDATE, Handler.BULK_MODIFY),
    Route("changes", "GET", "/changes", SEARCH, None, Handler.CHANGES),
    Route("delete-changes", "DELETE", "/changes", OPERATE, None, Handler.OPERATE),
    Route("exports", "GET", "/exports", OPERATE, None, Handler.EXPORTS),
    Route("delete-exports", "DELETE", "/exports", OPERATE, None, Handler.OPERATE),
    Route("statistics", "GET", "/statistics", SEARCH, None, Handler.STATISTICS),
)
