"""Every field and argument that the real Orthanc documents is read by the gate, or refused by its name with a reason."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc import remote_bodies
from pacsgate.protocols.orthanc.archive_request import (
    read_archive_arguments,
    read_archive_body,
    read_batch_body,
)
from pacsgate.protocols.orthanc.create_body import read_new_object
from pacsgate.protocols.orthanc.find_body import read_find
from pacsgate.protocols.orthanc.modify_body import read_merge, read_modification, read_split
from pacsgate.protocols.orthanc.resource_lists import read_bulk_content, read_bulk_delete
from pacsgate.protocols.orthanc.send_body import Recipient, read_send
from tests.support.orthanc_documentation import orthanc_documentation

Reader = Callable[[bytes], object]

BODIES: dict[str, Reader] = {
    "/tools/find": read_find,
    "/tools/bulk-content": read_bulk_content,
    "/tools/bulk-delete": read_bulk_delete,
    "/tools/bulk-modify": lambda raw: read_modification(raw, anonymizes=False, bulk=True),
    "/tools/bulk-anonymize": lambda raw: read_modification(raw, anonymizes=True, bulk=True),
    "/tools/create-archive": read_batch_body,
    "/tools/create-media": read_batch_body,
    "/tools/create-media-extended": read_batch_body,
    "/tools/create-dicom": read_new_object,
    "/tools/dicom-echo": remote_bodies.read_dicom_echo,
    "/modalities/{id}/echo": remote_bodies.read_echo,
    "/modalities/{id}/find-worklist": remote_bodies.read_find_worklist,
    "/modalities/{id}/move": remote_bodies.read_fetch,
    "/modalities/{id}/query": remote_bodies.read_query,
    "/modalities/{id}/store": lambda raw: read_send(raw, Recipient.MODALITY),
    "/modalities/{id}/storage-commitment": lambda raw: read_send(raw, Recipient.COMMITMENT),
    "/peers/{id}/store": lambda raw: read_send(raw, Recipient.PEER),
    "/queries/{id}/retrieve": remote_bodies.read_retrieval,
    "/queries/{id}/answers/{index}/retrieve": remote_bodies.read_retrieval,
    **{
        f"/queries/{{id}}/answers/{{index}}/query-{word}": remote_bodies.read_further_query
        for word in ("studies", "series", "instances")
    },
    "/studies/{id}/merge": read_merge,
    "/studies/{id}/split": read_split,
    **{
        f"/{word}/{{id}}/{form}": read_archive_body
        for word in ("patients", "studies", "series")
        for form in ("archive", "media")
    },
    **{
        f"/{word}/{{id}}/modify": lambda raw: read_modification(raw, anonymizes=False, bulk=False)
        for word in ("patients", "studies", "series", "instances")
    },
    **{
        f"/{word}/{{id}}/anonymize": lambda raw: read_modification(raw, anonymizes=True, bulk=False)
        for word in ("patients", "studies", "series", "instances")
    },
}
ELSEWHERE = frozenset({"/modalities/{id}", "/peers/{id}"})
"""PUT of a partner's configuration goes upstream as it is, for those who may configure the archive."""


def documented_fields() -> Iterator[tuple[str, str]]:
    for path, operations in orthanc_documentation().paths.items():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            for field in content.get("application/json", {}).get("schema", {}).get("properties", {}):
                yield path, field


def refusal_of(read: Reader, raw: bytes) -> str:
    try:
        read(raw)
    except RequestError as refusal:
        return refusal.public
    return ""


@pytest.mark.server("orthanc")
def test_a_documented_field_is_read_or_refused_with_a_reason() -> None:
    fields = [(path, field) for path, field in documented_fields() if path not in ELSEWHERE]
    assert len(fields) > 150
    for path, field in fields:
        said = refusal_of(BODIES[path], json.dumps({field: {}}).encode())
        assert "unknown field" not in said, (path, field)


@pytest.mark.server("orthanc")
def test_a_documented_argument_of_an_archive_is_read() -> None:
    known: dict[str, Any] = {"transcode": "1.2.840.10008.1.2", "extended": ""}
    for path, operations in orthanc_documentation().paths.items():
        if path.endswith(("/archive", "/media")):
            for parameter in operations["get"]["parameters"]:
                if parameter["in"] == "query":
                    read_archive_arguments(((parameter["name"], known[parameter["name"]]),))
