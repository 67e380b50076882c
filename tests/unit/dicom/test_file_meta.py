"""The head of a Part 10 file, written as pydicom reads it and read as pydicom writes it."""

import io
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from pacsgate.dicom.file_meta import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    LEAST_BEGINNING,
    MAX_HEAD_BYTES,
    head_size,
    part10_head,
    read_part10_head,
)
from pacsgate.model.errors import RequestError

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
SHIPPED = ("CT_small.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "test-SR.dcm", "image_dfl.dcm")


@pytest.mark.parametrize("uid", ["1.2.3", "1.2.34", "2.25." + "9" * 59])
def test_pydicom_reads_the_head_as_it_was_meant(uid: str) -> None:
    meta = dcmread(io.BytesIO(part10_head(CT, uid, EXPLICIT))).file_meta
    assert meta.MediaStorageSOPClassUID == CT
    assert meta.MediaStorageSOPInstanceUID == uid
    assert meta.TransferSyntaxUID == EXPLICIT
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME
    assert meta.FileMetaInformationVersion == b"\x00\x01"


def test_one_data_set_has_one_head() -> None:
    assert part10_head(CT, "1.2.3", EXPLICIT) == part10_head(CT, "1.2.3", EXPLICIT)


@pytest.mark.parametrize("uid", ["1.2.3", "1.2.34"])
def test_what_was_written_is_read(uid: str) -> None:
    head = part10_head(CT, uid, EXPLICIT)
    read = read_part10_head(head + b"the data set")
    assert (read.sop_class_uid, read.sop_instance_uid, read.transfer_syntax_uid) == (CT, uid, EXPLICIT)
    assert read.data_set_offset == len(head) == head_size(head[:LEAST_BEGINNING])


@pytest.mark.parametrize("name", SHIPPED)
def test_heads_of_others_say_what_pydicom_reads_in_them(name: str) -> None:
    path = Path(str(get_testdata_file(name, download=False)))
    data = path.read_bytes()
    read, meta = read_part10_head(data), dcmread(path).file_meta
    assert read.sop_class_uid == meta.MediaStorageSOPClassUID
    assert read.sop_instance_uid == meta.MediaStorageSOPInstanceUID
    assert read.transfer_syntax_uid == meta.TransferSyntaxUID
    assert data[read.data_set_offset : read.data_set_offset + 2] != b"\x02\x00", "file meta goes on"


HEAD = part10_head(CT, "1.2.3", EXPLICIT)
LENGTH_AT = LEAST_BEGINNING - 4


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        HEAD[:100],
        HEAD[: LEAST_BEGINNING - 1],
        b"\0" * 400,
        HEAD[:LENGTH_AT] + (MAX_HEAD_BYTES + 1).to_bytes(4, "little") + HEAD[LEAST_BEGINNING:],
        HEAD[:-1],
        HEAD[:LENGTH_AT] + (1).to_bytes(4, "little") + HEAD[LEAST_BEGINNING:],
        HEAD.replace(b"1.2.3\0", b"1/2.3\0"),
        HEAD.replace(CT.encode(), b"\xff" * len(CT)),
        HEAD.replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x11\x00UI"),
        HEAD.replace(b"\x02\x00\x10\x00UI", b"\x08\x00\x10\x00UI"),
    ],
)
def test_a_damaged_head_is_an_error(damaged: bytes) -> None:
    with pytest.raises(RequestError):
        read_part10_head(damaged)
