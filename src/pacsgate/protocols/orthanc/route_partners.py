"""Rows for other archives: modalities, peers, DICOMweb servers, what is sent there and asked of them."""

from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.protocols.orthanc.routes import (
    ANYTHING,
    CONFIGURE,
    DELETE,
    REMOTE,
    TAKE_AWAY,
    Handler,
    Needs,
    Route,
)

_KNOW_NAMES = Needs(
    actions=frozenset({Action.EXPORT}),
    permissions=frozenset({Permission.REMOTE_QUERY, Permission.ARCHIVE_CONFIGURE}),
)
"""Whoever could send something must know whereto."""


def _partners(kind: str, every: str, since: str = "1.10") -> tuple[Route, ...]:
    """Return the rows that modalities, peers and DICOMweb servers have alike."""
    one = f"{every}/{{partner}}"
    return (
        Route(f"list-{kind}s", "GET", every, _KNOW_NAMES, None, Handler.PARTNERS, since=since),
        Route(f"{kind}-operations", "GET", one, _KNOW_NAMES, None, Handler.PARTNERS, since=since),
        Route(f"write-{kind}", "PUT", one, CONFIGURE, None, Handler.CONFIGURE, since=since),
        Route(f"delete-{kind}", "DELETE", one, CONFIGURE, None, Handler.CONFIGURE, since=since),
    )


def _row(kind: str, every: str, name: str, needs: Needs, handler: Handler, since: str = "1.10") -> Route:
    return Route(f"{kind}-{name}", "POST", f"{every}/{{partner}}/{name}", needs, None, handler, since=since)


def _modality(name: str, needs: Needs, handler: Handler, since: str = "1.10") -> Route:
    return _row("modality", "/modalities", name, needs, handler, since)


_FINDS = ("find-patient", "find-study", "find-series", "find-instance", "find-worklist", "find")

_MODALITY_ROUTES = (
    *_partners("modality", "/modalities"),
    Route(
        "modality-configuration",
        "GET",
        "/modalities/{partner}/configuration",
        _KNOW_NAMES,
        None,
        Handler.PARTNERS,
    ),
    _modality("store", TAKE_AWAY, Handler.SEND),
    _modality("store-straight", TAKE_AWAY, Handler.SEND_STRAIGHT),
    # The partner is told which instances there are.
    _modality("storage-commitment", TAKE_AWAY, Handler.SEND),
    _modality("echo", REMOTE, Handler.REMOTE),
    _modality("query", REMOTE, Handler.REMOTE),
    _modality("move", REMOTE, Handler.REMOTE),
    _modality("get", REMOTE, Handler.REMOTE, "1.12.6"),
    *(_modality(name, REMOTE, Handler.REMOTE) for name in _FINDS),
    Route("dicom-echo", "POST", "/tools/dicom-echo", CONFIGURE, None, Handler.REMOTE),
)

_PEER_ROUTES = (
    *_partners("peer", "/peers"),
    Route("peer-configuration", "GET", "/peers/{partner}/configuration", _KNOW_NAMES, None, Handler.PARTNERS),
    Route("peer-system", "GET", "/peers/{partner}/system", REMOTE, None, Handler.REMOTE),
    _row("peer", "/peers", "store", TAKE_AWAY, Handler.SEND),
    _row("peer", "/peers", "store-straight", TAKE_AWAY, Handler.SEND_STRAIGHT),
)

_SERVERS = "/dicom-web/servers"
_SERVER_ROUTES = (
    *_partners("server", _SERVERS, "DICOMweb 1.7"),
    _row("server", _SERVERS, "stow", TAKE_AWAY, Handler.SEND, "DICOMweb 1.7"),
    *(
        _row("server", _SERVERS, name, REMOTE, Handler.REMOTE, "DICOMweb 1.7")
        for name in ("get", "qido", "retrieve")
    ),
    Route(
        "server-wado",
        "POST",
        f"{_SERVERS}/{{partner}}/wado",
        REMOTE,
        None,
        Handler.DENIED,
        since="DICOMweb 1.7",
        note="brings whatever a URI leads to; `retrieve` does the same with UIDs",
    ),
    Route(
        "server-delete",
        "POST",
        f"{_SERVERS}/{{partner}}/delete",
        REMOTE,
        None,
        Handler.DENIED,
        since="DICOMweb 1.7",
        note="deletes in another archive, about which the gate decides nothing",
    ),
)

_QUERY = "/queries/{query}"
_ANSWER = f"{_QUERY}/answers/{{index}}"
_QUERY_ROUTES = tuple(
    Route(name, method, template, REMOTE, None, Handler.QUERY)
    for name, method, template in (
        ("list-queries", "GET", "/queries"),
        ("query-operations", "GET", _QUERY),
        ("delete-query", "DELETE", _QUERY),
        ("query-level", "GET", f"{_QUERY}/level"),
        ("query-modality", "GET", f"{_QUERY}/modality"),
        ("query-arguments", "GET", f"{_QUERY}/query"),
        ("query-answers", "GET", f"{_QUERY}/answers"),
        ("query-retrieve", "POST", f"{_QUERY}/retrieve"),
        ("answer-operations", "GET", _ANSWER),
        ("answer-content", "GET", f"{_ANSWER}/content"),
        ("answer-retrieve", "POST", f"{_ANSWER}/retrieve"),
        ("answer-query-studies", "POST", f"{_ANSWER}/query-studies"),
        ("answer-query-series", "POST", f"{_ANSWER}/query-series"),
        ("answer-query-instances", "POST", f"{_ANSWER}/query-instances"),
    )
)

# A report is his who asked for it; removing deletes the instances that it names.
_COMMITMENT_ROUTES = (
    Route(
        "commitment-report",
        "GET",
        "/storage-commitment/{commitment}",
        ANYTHING,
        None,
        Handler.COMMITMENT,
    ),
    Route(
        "commitment-remove",
        "POST",
        "/storage-commitment/{commitment}/remove",
        DELETE,
        None,
        Handler.COMMITMENT,
    ),
)

ROUTES = (*_MODALITY_ROUTES, *_PEER_ROUTES, *_SERVER_ROUTES, *_QUERY_ROUTES, *_COMMITMENT_ROUTES)
