"""What a process writes to its log when something breaks: where, and never what was being read."""

import json
import subprocess
import sys

import pytest

BREAKS = """
import logging, warnings, structlog
from pacsgate.bootstrap.logs import configure_logs
from pacsgate.model.errors import ArchiveError

configure_logs()
secret = "DOE^JANE"
try:
    try:
        raise ValueError(f"cannot read {secret}")
    except ValueError as cause:
        raise ArchiveError("the archive holds a damaged object", detail=secret) from cause
except ArchiveError:
    structlog.get_logger("ours").exception("request broke", request_id="r1")
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
logging.getLogger("python_multipart.multipart").warning("bad bytes %r", secret)
logging.getLogger("hl7.util").exception("Error decoding value [%s]", secret)
warnings.warn(f"Invalid value for VR PN: {secret}")
"""


@pytest.fixture(scope="module")
def log() -> str:
    broken = subprocess.run(
        [sys.executable, "-c", BREAKS], capture_output=True, text=True, timeout=60, check=True
    )
    return broken.stderr


def test_an_exception_is_logged_by_its_types_and_places(log: str) -> None:
    line = json.loads(log.splitlines()[0])
    assert line["event"] == "request broke"
    assert line["raised"][0] == "ArchiveError: the archive holds a damaged object"
    assert "ValueError" in line["raised"]


def test_no_message_or_variable_of_an_exception_and_no_library_tells_what_was_read(log: str) -> None:
    assert "Exception in ASGI application" in log
    assert "DOE" not in log
    assert "bad bytes" not in log
