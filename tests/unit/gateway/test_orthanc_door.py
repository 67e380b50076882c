"""The Orthanc door: every row has a handler, and an archive of another kind has no rows at all."""

import asyncio
from pathlib import Path

import pytest

from pacsgate.gateway.http.orthanc.door import _HANDLERS
from pacsgate.protocols.orthanc.routes import Handler
from pacsgate.protocols.orthanc.table import ROUTES
from tests.support.open_gate import ask, open_gate


def test_every_row_has_a_handler() -> None:
    assert set(_HANDLERS) == set(Handler)
    assert {route.handler for route in ROUTES} == set(Handler)


def test_an_archive_that_is_no_orthanc_says_so_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    paths = (
        "/orthanc",
        "/orthanc/studies",
        "/archives/main/orthanc/system",
        "/archives/other/orthanc/studies",
    )
    with open_gate(tmp_path) as opened:
        bearer = (b"authorization", f"Bearer {opened.token.text}".encode())
        answers = [asyncio.run(ask(opened.app, path, (bearer,))) for path in paths]
        assert {(answer.status, answer.body) for answer in answers} == {(404, b'{"error":"not found"}\n')}
        assert {asyncio.run(ask(opened.app, path)).status for path in paths} == {401}
