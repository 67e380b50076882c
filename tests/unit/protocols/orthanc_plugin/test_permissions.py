"""The hardened table against the one that the plugin ships: never wider, and narrower where that one is too wide."""

import re

import pytest

from pacsgate.protocols.orthanc_plugin.permissions import written
from tests.support.plugin_simulator import DEFAULT_PERMISSIONS

ID = "0123abcd-0123abcd-0123abcd-0123abcd-0123abcd"
SINGLE = (
    r"^/(patients|studies|series|instances)/([a-f0-9-]+)(/.*)?$",
    r"^/dicom-web/studies/([.0-9]+)(/.*)?$",
)


def needed(method: str, path: str) -> set[str] | None:
    """The names of the first row that matches, as the plugin looks for it."""
    for row in written():
        patterns = (
            SINGLE
            if row[1] == "SINGLE_RESOURCE_PATTERNS"
            else (row[1].replace("DICOM_WEB_ROOT", "dicom-web"),)
        )
        if row[0] == method and any(re.fullmatch(pattern, path) for pattern in patterns):
            return set(row[2].split("|")) - {""}
    return None


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("get", f"/studies/{ID}/archive", "download"),
        ("get", f"/instances/{ID}/file", "download"),
        ("get", f"/instances/{ID}/attachments/dicom/data", "download"),
        ("get", "/plugins/postgresql/audit-logs", "audit-logs"),
        ("get", f"/studies/{ID}", "view"),
        ("post", "/tools/lookup", "view"),
        ("get", "/dicom-web/studies/1.2/metadata", "view"),
        ("delete", f"/studies/{ID}", "delete"),
        ("put", "/auth/tokens/ohif-viewer-publication", "share"),
        ("get", "/jobs", "admin-permissions"),
    ],
)
def test_each_request_needs_the_name_that_means_it(method: str, path: str, name: str) -> None:
    assert needed(method, path) == {name}


@pytest.mark.parametrize(
    "path",
    ["/worklists", "/worklists/x", "/tools/execute-script", "/tools/reset", "/exports", "/webdav", "/wado"],
)
def test_what_has_no_row_is_denied(path: str) -> None:
    assert needed("get", path) is None
    assert needed("post", path) is None


def test_no_row_is_open_to_everybody_but_what_tells_of_nobody() -> None:
    assert {row[1] for row in written() if not row[2]} == {
        "^/auth/tokens/decode$",
        "^/tools/generate-uid(.*)$",
    }


def test_nothing_that_needed_a_name_needs_none_or_another_weaker_one() -> None:
    """Names that the shipped table wants, for a path of each of its rows."""
    for method, pattern, names in DEFAULT_PERMISSIONS:
        path = pattern.replace(".*", "x").replace("[a-f0-9-]+", ID).replace("[.0-9]+", "1.2")
        path = re.sub(r"\(([^|)]*)[^)]*\)\??", r"\1", path)
        here = needed(method, path)
        assert here is None or here <= set(names.split("|")) or not names, (method, path, here)


def test_every_pattern_is_one() -> None:
    for method, pattern, *_ in written():
        assert method in {"get", "post", "put", "delete"}
        re.compile(pattern)
