"""What a trusted nginx is told to send: whole single objects, and nothing else, to nobody else."""

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.audit.window_tally import amount_read, closes_by_window
from pacsgate.bootstrap.gate import build_app
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.sinks.trail_reader import read_trail
from tests.support.open_gate import MAIN, OpenGate, open_gate

SINGLE = "application/dicom; transfer-syntax=*"
MULTIPART = 'multipart/related; type="application/dicom"; transfer-syntax=*'
DECOMPRESSED = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenGate]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with open_gate(tmp_path) as opened:
        yield opened


def offloading(door: OpenGate, *, trusted: str = "127.0.0.1/32") -> OpenGate:
    """The same gate, told that an nginx at an address sends what is in its archive."""
    settings = replace(
        door.gate.settings,
        offloads={MAIN: "/_orthanc/"},
        trusted_proxies=(ipaddress.ip_network(trusted),),
    )
    gate = replace(door.gate, settings=settings)
    return replace(door, gate=gate, app=build_app(door.installation, gate, [("127.0.0.1", 0)]))


def test_a_trusted_nginx_is_told_where_the_object_is_by_a_name_that_the_gate_computed(door: OpenGate) -> None:
    headers, body, is_whole = offloading(door).get(SINGLE)
    key = door.item.key
    name = orthanc_id(
        "4MR1", key.study_instance_uid, key.series_instance_uid or "", key.sop_instance_uid or ""
    )
    assert headers["x-accel-redirect"] == f"/_orthanc/instances/{name}/file"
    assert headers["content-type"].startswith("application/dicom")
    assert headers["cache-control"] == "private, no-store"
    assert (body, is_whole) == (b"", True)


def test_what_is_more_than_one_whole_object_and_who_is_no_proxy_get_bytes(door: OpenGate) -> None:
    told, elsewhere = offloading(door), offloading(door, trusted="10.0.0.0/8")
    for gate, accept, method in (
        (told, MULTIPART, "GET"),
        (told, SINGLE, "HEAD"),
        (elsewhere, SINGLE, "GET"),
        (door, SINGLE, "GET"),
    ):
        headers, body, _ = gate.get(accept, method)
        assert "x-accel-redirect" not in headers
        assert int(headers["content-length"]) >= len(door.item.data)
        assert (door.item.data in body) == (method == "GET")


def test_the_record_counts_what_was_handed_over_and_owns_to_not_knowing_its_bytes(door: OpenGate) -> None:
    told = offloading(door)
    told.get(SINGLE)
    told.get(SINGLE)
    told.get(MULTIPART)
    told.gate.windows.close()
    told.installation.trail.close()
    events = [entry.event for entry in read_trail(told.installation.settings.data / "trail")]
    (opening,) = (event for event in events if event.kind is EventKind.INSTANCES_TRANSFERRED)
    said = amount_read(opening, closes_by_window(events))
    assert said == f"3 instances, {len(door.item.data)} bytes; 2 handed to the proxy, bytes unknown"


def test_nothing_is_handed_over_that_is_not_on_record(door: OpenGate) -> None:
    told = offloading(door)
    told.installation.trail.close()
    headers, body, _ = told.get(SINGLE)
    assert "x-accel-redirect" not in headers
    assert door.item.data not in body
