"""What is partly visible is asked of the archive instance by instance, and only what is wholly visible as a whole."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydicom.dataset import Dataset

from pacsgate.gateway.http.dicomweb.metadata import _rows
from pacsgate.model.resource import ResourceKey
from pacsgate.services.resolve import Reach
from tests.unit.policy.hospital import MAIN
from tests.unit.services.test_resolve_parts import bound, reach

HELD = {"1.2.3.1": ("1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3"), "1.2.3.2": ("1.2.3.2.1",)}


class Archive:
    """Holds the series of the resolver's tests, and notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[ResourceKey] = []

    def headers(self, key: ResourceKey) -> Iterator[Dataset]:
        self.asked.append(key)
        for uid in HELD[key.series_instance_uid or ""]:
            if key.sop_instance_uid in {None, uid}:
                dataset = Dataset()
                dataset.SOPInstanceUID = uid
                yield dataset


@pytest.mark.parametrize(
    ("name", "key", "asked"),
    [
        ("axial", ("1.2.3",), [("1.2.3", "1.2.3.1", "1.2.3.1.2"), ("1.2.3", "1.2.3.1", "1.2.3.1.3")]),
        ("both", ("1.2.3",), [("1.2.3", "1.2.3.1")]),
        ("both", ("1.2.3", "1.2.3.1", "1.2.3.1.2"), [("1.2.3", "1.2.3.1", "1.2.3.1.2")]),
    ],
)
def test_metadata_is_asked_for_as_a_whole_only_where_all_of_it_is_visible(
    name: str, key: tuple[str, ...], asked: list[tuple[str, ...]]
) -> None:
    archive, found = Archive(), reach(bound(name), *key)
    assert isinstance(found, Reach)
    exchange = SimpleNamespace(gate=SimpleNamespace(archives={MAIN: archive}), archive=MAIN, root="")
    sent = {row["00080018"]["Value"][0] for _, row in _rows(cast("Any", exchange), found)}
    assert sent == {one.sop_instance_uid for part in found.parts for one in part.instances}
    assert archive.asked == [ResourceKey(*one, patient_id="P1") for one in asked]
