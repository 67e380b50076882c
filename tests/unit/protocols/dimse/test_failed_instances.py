"""pydicom reads the same UIDs out of the identifier of a response, in every transfer syntax and number."""

import io

import pytest
from pydicom.filereader import read_dataset

from pacsgate.protocols.dimse.elements import ENCODINGS
from pacsgate.protocols.dimse.failed_instances import failed_instances


@pytest.mark.parametrize("syntax", ENCODINGS)
@pytest.mark.parametrize("count", [1, 2, 999, 5000])
def test_pydicom_reads_the_same_uids(syntax: str, count: int) -> None:
    uids = [f"1.2.826.0.1.3680043.8.498.{number}" for number in range(10**20, 10**20 + count)]
    encoded = failed_instances(uids, syntax)
    encoding = ENCODINGS[syntax]
    dataset = read_dataset(io.BytesIO(encoded), encoding.implicit_vr, encoding.little_endian)
    found = dataset.FailedSOPInstanceUIDList
    if isinstance(found, bytes):  # longer than the length of a UI can say, so it came as UN
        found = found.decode("ascii").rstrip("\0").split("\\")
    assert ([found] if count == 1 else list(found)) == uids
    assert len(encoded) % 2 == 0
