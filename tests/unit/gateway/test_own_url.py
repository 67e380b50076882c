import pytest
from starlette.requests import Request

from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.settings import HttpSettings


def url(host: str, server: tuple[str, int | None], public_url: str | None = None) -> str:
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", host.encode("ascii"))],
        "server": server,
    }
    return own_url(Request(scope), HttpSettings(public_url=public_url))


@pytest.mark.parametrize(
    ("host", "server", "expected"),
    [
        ("gate.example:8042", ("10.0.0.5", 8042), "http://gate.example:8042"),
        ("10.0.0.5:80", ("172.17.0.2", 8042), "http://10.0.0.5:80"),
        ("[::1]:8042", ("::1", 8042), "http://[::1]:8042"),
    ],
)
def test_links_begin_with_the_host_that_the_client_named(
    host: str, server: tuple[str, int], expected: str
) -> None:
    assert url(host, server) == expected


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("127.0.0.1", ("127.0.0.1", 8042)),
        ("localhost", ("127.0.0.1", 8042)),
        ("10.0.0.5", ("10.0.0.5", 8042)),
    ],
)
def test_a_client_that_forgets_the_port_gets_the_one_it_is_connected_to(
    host: str, server: tuple[str, int]
) -> None:
    assert url(host, server) == f"http://{host}:8042"


@pytest.mark.parametrize("host", ["gate.example", "10.0.0.5", "localhost"])
def test_a_mapped_port_is_not_mistaken_for_a_forgotten_one(host: str) -> None:
    """Behind a container's or a proxy's port 80 the socket's own port is nobody's business."""
    assert url(host, ("172.17.0.2", 8042)) == f"http://{host}"


def test_a_configured_address_goes_before_everything() -> None:
    assert url("127.0.0.1", ("127.0.0.1", 8042), "https://gate.example") == "https://gate.example"
