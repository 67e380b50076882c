"""Orthanc's identifiers: how they look, and where they stand in documents."""

import pytest

from pacsgate.protocols.orthanc.identifiers import ids_in, is_orthanc_id, orthanc_id
from tests.support import orthanc_ids

ONE, OTHER = orthanc_id("P"), orthanc_id("P", "1.2")


@pytest.mark.parametrize("names", [("",), ("P",), ("Ä", "1.2"), ("a|b", "1.2", "1.2.3", "1.2.3.4")])
def test_an_identifier_is_the_hash_that_orthanc_makes(names: tuple[str, ...]) -> None:
    assert orthanc_id(*names) == orthanc_ids.orthanc_id(*names)
    assert is_orthanc_id(orthanc_id(*names))


@pytest.mark.parametrize("text", ["", ONE.upper(), ONE[:-1], f"{ONE}\n", f" {ONE}", ONE.replace("-", "")])
def test_nothing_else_has_its_shape(text: str) -> None:
    assert not is_orthanc_id(text)


def test_every_identifier_in_a_document_is_found_wherever_it_stands() -> None:
    document = {
        "Dicom": [f"/instances/{ONE}/file"],
        "Slices": [[f"/instances/{OTHER}/frames/0", 1]],
        "Type": None,
    }
    assert ids_in(document) == {ONE, OTHER}
    assert ids_in(["", 1, {}]) == frozenset()
