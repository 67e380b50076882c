"""One DICOM door for all tests that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.support.dimse_gate import DicomGate, open_dicom_gate


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DicomGate]:
    with open_dicom_gate(tmp_path_factory.mktemp("dicom")) as opened:
        yield opened
