"""The table with which Orthanc's authorization plugin should replace its own: a method, a path, and who may.

The plugin takes the first row that matches, so narrow rows stand before wide ones.  Its own table lets
`view` fetch files and archives and read the log of the database plugin, and asks nothing before
`/tools/lookup` and `/worklists`.  What has no row here is asked about object by object, or denied.

Printed by `pacsgate orthanc config`.

Standard: default permissions of the authorization plugin 0.11.4, of which each row is at least as strict.
"""

from collections.abc import Sequence

_ID = "([a-f0-9-]+)"
_LEVELS = "(patients|studies|series|instances)"

Row = tuple[str, str, str, str]
"""Method, path (a regular expression for all of it), permission names of which one is enough, comment."""

HARDENED: Sequence[Row] = (
    ("post", "^/auth/tokens/decode$", "", "the landing page of a link, which tells nothing of a bad one"),
    ("get", "^/tools/generate-uid(.*)$", "", "tells of no patient"),
    ("get", "^/plugins/postgresql/audit-logs(.*)$", "audit-logs", "is no matter of `view`"),
    ("get", f"^/{_LEVELS}/{_ID}/(archive|media|file|attachments(/.*)?)$", "download", "leaves the house"),
    ("post", "^/tools/(find|count-resources|lookup)$", "view", ""),
    ("get", f"^/{_LEVELS}(|/)$", "view", ""),
    ("get", "^/(statistics|changes|system|plugins|plugins/.*)$", "view", "tells of everything"),
    ("get", "SINGLE_RESOURCE_PATTERNS", "view", ""),
    ("get", "^/DICOM_WEB_ROOT/(studies|series|instances)(|/)$", "view", ""),
    ("put", "^/auth/tokens/viewer-instant-link$", "view", ""),
    ("put", "^/auth/tokens/download-instant-link$", "download", ""),
    ("put", "^/auth/tokens/(stone|osimis|ohif|volview)-viewer-publication$", "share", ""),
    ("get", "^/ui/api/emails/templates(.*)$", "share", ""),
    ("post", "^/ui/api/emails/send$", "share", ""),
    ("post", "^/(instances|tools/create-dicom)$", "upload", ""),
    ("post", "^/DICOM_WEB_ROOT/studies(/[.0-9]+)?$", "upload", ""),
    ("delete", f"^/{_LEVELS}/{_ID}$", "delete", ""),
    ("post", "^/tools/bulk-delete$", "delete", ""),
    ("post", f"^/{_LEVELS}/{_ID}/(modify|merge)(.*)$", "modify", ""),
    ("post", "^/tools/bulk-modify$", "modify", ""),
    ("post", f"^/{_LEVELS}/{_ID}/anonymize(.*)$", "anonymize", ""),
    ("post", "^/tools/bulk-anonymize$", "anonymize", ""),
    ("get", "^/tools/labels$", "view|edit-labels", ""),
    ("(put|delete)", f"^/{_LEVELS}/{_ID}/labels/(.*)$", "edit-labels", ""),
    ("post", "^/(peers|modalities)/(.*)/(store|store-straight)$", "send", ""),
    ("post", "^/DICOM_WEB_ROOT/servers/(.*)/stow$", "send", ""),
    ("get", "^/(peers|modalities|DICOM_WEB_ROOT/servers)$", "send|q-r-remote-modalities", ""),
    ("post", "^/modalities/(.*)/(echo|query|move)$", "q-r-remote-modalities", ""),
    ("get", f"^/queries/{_ID}/answers(/[0-9]+/content)?$", "q-r-remote-modalities", ""),
    ("post", f"^/queries/{_ID}/answers/[0-9]+/retrieve$", "q-r-remote-modalities", ""),
    ("post", "^/DICOM_WEB_ROOT/servers/(.*)/(qido|retrieve)$", "q-r-remote-modalities", ""),
    ("get", f"^/jobs/{_ID}$", "send|modify|anonymize|q-r-remote-modalities|admin-permissions", ""),
    ("get", "^/jobs$", "admin-permissions", ""),
    ("post", f"^/jobs/{_ID}/(pause|resume|resubmit|cancel)$", "admin-permissions", ""),
    ("delete", f"^/jobs/{_ID}$", "admin-permissions", ""),
    ("get", "^/tools/log-level$", "settings", ""),
    ("put", "^/tools/log-level$", "settings", ""),
    ("(put|delete)", "^/modalities/([^/]+)$", "admin-permissions", ""),
    ("get", "^/auth/settings/(roles|permissions)$", "admin-permissions", ""),
    ("get", "^/auth/audit-logs$", "audit-logs", ""),
)


def written() -> list[list[str]]:
    """The table as Orthanc's configuration takes it, one row for each method."""
    return [
        [method, path, names, *([comment] if comment else [])]
        for methods, path, names, comment in HARDENED
        for method in methods.strip("()").split("|")
    ]
