"""Rows for Orthanc itself: what it is, its jobs, its settings, its plugins and its explorers' files."""

from pacsgate.model.actions import ALL_ACTIONS
from pacsgate.model.permission import Permission
from pacsgate.protocols.orthanc.routes import ANYTHING, CONFIGURE, OPERATE, Handler, Needs, Route, held

_JOBS = Needs(any_of=ALL_ACTIONS, permissions=frozenset({Permission.JOB_ADMINISTER}))
"""One's own with any action, others' with the permission."""

_JOB = "/jobs/{job}"
_JOB_ROUTES = tuple(
    Route(name, method, template, _JOBS, None, Handler.JOB, since=since)
    for name, method, template, since in (
        ("list-jobs", "GET", "/jobs", "1.10"),
        ("job", "GET", _JOB, "1.10"),
        ("delete-job", "DELETE", _JOB, "1.12.2"),
        ("cancel-job", "POST", f"{_JOB}/cancel", "1.10"),
        ("pause-job", "POST", f"{_JOB}/pause", "1.10"),
        ("resubmit-job", "POST", f"{_JOB}/resubmit", "1.10"),
        ("resume-job", "POST", f"{_JOB}/resume", "1.10"),
        ("job-output", "GET", f"{_JOB}/{{key}}", "1.10"),
        ("delete-job-output", "DELETE", f"{_JOB}/{{key}}", "1.12.1"),
    )
)

_TELLS_NOTHING = tuple(
    Route(name, "GET", template, ANYTHING, None, handler, since=since)
    for name, template, handler, since in (
        ("system", "/system", Handler.SYSTEM, "1.10"),
        ("list-plugins", "/plugins", Handler.SYSTEM, "1.10"),
        ("plugin", "/plugins/{plugin}", Handler.SYSTEM, "1.10"),
        ("list-tools", "/tools", Handler.OPERATIONS, "1.10"),
        ("generate-uid", "/tools/generate-uid", Handler.SYSTEM, "1.10"),
        ("now", "/tools/now", Handler.SYSTEM, "1.10"),
        ("now-local", "/tools/now-local", Handler.SYSTEM, "1.10"),
        ("dicom-conformance", "/tools/dicom-conformance", Handler.SYSTEM, "1.10"),
        ("default-encoding", "/tools/default-encoding", Handler.SYSTEM, "1.10"),
        ("accepted-transfer-syntaxes", "/tools/accepted-transfer-syntaxes", Handler.SYSTEM, "1.10"),
        ("accepted-sop-classes", "/tools/accepted-sop-classes", Handler.SYSTEM, "1.12.6"),
        ("unknown-sop-class-accepted", "/tools/unknown-sop-class-accepted", Handler.SYSTEM, "1.10"),
        ("metrics-enabled", "/tools/metrics", Handler.SYSTEM, "1.10"),
    )
)

_LOG_LEVELS = ("", *(f"-{name}" for name in ("generic", "plugins", "http", "sqlite", "dicom", "jobs", "lua")))

_SETTINGS = (
    *(
        Route(f"{verb}log-level{name}", method, f"/tools/log-level{name}", CONFIGURE, None, Handler.CONFIGURE)
        for name in _LOG_LEVELS
        for verb, method in (("", "GET"), ("write-", "PUT"))
    ),
    *(
        Route(f"write-{name}", "PUT", f"/tools/{name}", CONFIGURE, None, Handler.CONFIGURE)
        for name in (
            "accepted-transfer-syntaxes",
            "default-encoding",
            "metrics",
            "unknown-sop-class-accepted",
        )
    ),
    # Its counters tell how much there is of what one may not see.
    Route("metrics", "GET", "/tools/metrics-prometheus", CONFIGURE, None, Handler.CONFIGURE),
)

_OPERATIONS = tuple(
    Route(name, "POST", f"/tools/{name}", OPERATE, None, Handler.OPERATE)
    for name in ("execute-script", "invalidate-tags", "reconstruct", "reset", "shutdown")
)

_WORKLIST_ROUTES = tuple(
    Route(
        name,
        method,
        template,
        held(Permission.ARCHIVE_CONFIGURE),
        None,
        Handler.DENIED,
        since="Worklists 0.9",
        note="an entry names a patient and belongs to no study about which a policy could decide",
    )
    for name, method, template in (
        ("list-worklists", "GET", "/worklists"),
        ("create-worklist", "POST", "/worklists/create"),
        ("worklist", "GET", "/worklists/{entry}"),
        ("write-worklist", "PUT", "/worklists/{entry}"),
        ("delete-worklist", "DELETE", "/worklists/{entry}"),
    )
)

_STATIC_ROUTES = tuple(
    Route(name, "GET", template, ANYTHING, None, Handler.STATIC, since=since)
    for name, template, since in (
        ("root", "/", "1.10"),
        ("favicon", "/favicon.ico", "1.10"),
        ("explorer-file", "/app/{file*}", "1.10"),
        ("explorer-plugins", "/plugins/explorer.js", "1.10"),
        ("dicomweb-client-information", "/dicom-web/info", "DICOMweb 1.7"),
        ("dicomweb-client-file", "/dicom-web/app/{file*}", "DICOMweb 1.7"),
        ("explorer-2-root", "/ui/app", "Orthanc Explorer 2"),
        ("explorer-2-file", "/ui/app/{file*}", "Orthanc Explorer 2"),
        ("explorer-2-configuration", "/ui/api/configuration", "Orthanc Explorer 2"),
        ("explorer-2-before-login", "/ui/api/pre-login-configuration", "Orthanc Explorer 2"),
        ("stone-file", "/stone-webviewer/{file*}", "Stone Web viewer"),
        ("ohif-root", "/ohif", "OHIF"),
        ("ohif-file", "/ohif/{file*}", "OHIF"),
        ("volview-root", "/volview", "VolView"),
        ("volview-file", "/volview/{file*}", "VolView"),
    )
)

ROUTES = (
    *_JOB_ROUTES,
    *_TELLS_NOTHING,
    *_SETTINGS,
    *_OPERATIONS,
    *_WORKLIST_ROUTES,
    *_STATIC_ROUTES,
)
