"""A page of another site cannot use the credential that a browser adds by itself."""

import pytest
from starlette.requests import Request

from pacsgate.gateway.http.cross_site import refuse_cross_site
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.model.errors import RequestError

SETTINGS = HttpSettings(cors_origins=("https://viewer.example",))


def refused(method: str, **headers: str) -> bool:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": b"",
        "scheme": "http",
        "server": ("127.0.0.1", 8042),
        "headers": [(b"host", b"gate.example:8042"), *raw],
    }
    try:
        refuse_cross_site(Request(scope), SETTINGS)
    except RequestError as error:
        return error.status == 403
    return False


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),  # no browser
        ({"sec_fetch_site": "same-origin", "origin": "http://gate.example:8042"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "cross-site", "origin": "https://evil.example"}, True),
        ({"sec_fetch_site": "same-site", "origin": "http://gate.example:9000"}, True),
        ({"sec_fetch_site": "cross-site"}, True),
        ({"sec_fetch_site": "cross-site", "origin": "https://viewer.example"}, False),
        # Without a connection that can be trusted, browsers say the origin alone.
        ({"origin": "http://gate.example:8042"}, False),
        ({"origin": "http://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "https://viewer.example"}, False),
    ],
)
def test_what_changes_something_comes_from_our_pages_or_from_no_page(
    method: str, headers: dict[str, str], expected: bool
) -> None:
    assert refused(method, **headers) is expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_changes_nothing_may_be_asked_from_anywhere(method: str) -> None:
    assert not refused(method, sec_fetch_site="cross-site", origin="https://evil.example")
