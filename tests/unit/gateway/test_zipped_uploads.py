"""Files out of an uploaded zip: all of them, in order, and never more than is good for the disk."""

import io
import zipfile
from pathlib import Path

import pytest

from pacsgate.gateway.http import zipped_uploads
from pacsgate.gateway.http.uploads import Uploads
from pacsgate.gateway.http.zipped_uploads import is_zip, members
from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.upload_body import FormFiles, OneFile, read_upload_body
from pacsgate.upstream.spool import Spool, SpooledFile

MEBIBYTE = 1024 * 1024


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def on_disk(path: Path, data: bytes) -> SpooledFile:
    path.write_bytes(data)
    return SpooledFile(path, len(data), "")


def read(file: SpooledFile, at_most: int = 1 << 40) -> list[bytes]:
    return [b"".join(chunks) for chunks in members(file, at_most)]


def test_every_file_comes_out_and_folders_do_not(tmp_path: Path) -> None:
    file = on_disk(tmp_path / "z", zipped({"a/": b"", "a/1": b"one", "../2": b"two"}))
    assert is_zip(file.path)
    assert read(file) == [b"one", b"two"]


def test_a_zip_that_holds_far_more_than_was_sent_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipped_uploads, "FREE_BYTES", 4096)
    bomb = on_disk(tmp_path / "z", zipped({"bomb": bytes(8 * MEBIBYTE)}))
    with pytest.raises(RequestError, match="far more than was sent") as refused:
        read(bomb)
    assert refused.value.status == 413
    with pytest.raises(RequestError, match="far more"):
        read(on_disk(tmp_path / "y", zipped({"a": b"x" * 100})), at_most=99)


@pytest.mark.parametrize("cut", [10, 60, -30])
def test_a_damaged_zip_is_the_senders_mistake(tmp_path: Path, cut: int) -> None:
    file = on_disk(tmp_path / "z", zipped({"a": bytes(range(256)) * 20})[:cut])
    with pytest.raises(RequestError, match="cannot be read"):
        read(file)


def test_a_zip_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped_uploads, "MAX_FILES", 2)
    with pytest.raises(RequestError, match="more than 2 files"):
        read(on_disk(tmp_path / "z", zipped(dict.fromkeys("abc", b"x"))))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


async def chunks(*pieces: bytes):
    for piece in pieces:
        yield piece


def received(spool: Spool, content_type: str | None, *pieces: bytes) -> list[bytes]:
    import asyncio  # noqa: PLC0415 - only here

    with Uploads(spool) as uploads:
        asyncio.run(uploads.receive(read_upload_body(content_type, None), chunks(*pieces)))
        uploads.unpack_zips()
        return [file.path.read_bytes() for file in uploads.files]


def test_a_body_is_a_file_whatever_it_is_said_to_be(spool: Spool) -> None:
    for said in (None, "application/dicom", "application/x-www-form-urlencoded", "nonsense"):
        assert received(spool, said, b"di", b"com") == [b"dicom"]


def test_a_form_holds_files_and_fields_and_only_files_are_taken(spool: Spool) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="comment"\r\n\r\nnot a file\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="1.dcm"\r\n\r\none\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="2.zip"\r\n\r\n'
        + zipped({"a": b"two", "b": b"three"})
        + b"\r\n--b--\r\n"
    )
    said = "multipart/form-data; boundary=b"
    assert received(spool, said, form) == [b"one", b"two", b"three"]
    assert received(spool, said, *(form[at : at + 1] for at in range(len(form)))) == [
        b"one",
        b"two",
        b"three",
    ]


def test_a_form_without_a_file_holds_no_object(spool: Spool) -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="comment"\r\n\r\nnot a file\r\n--b--\r\n'
    with pytest.raises(RequestError, match="no object"):
        received(spool, "multipart/form-data; boundary=b", form)


def test_what_cannot_be_stored_as_it_is_is_refused_before_it_is_read() -> None:
    with pytest.raises(RequestError) as refused:
        read_upload_body("application/dicom", "gzip")
    assert refused.value.status == 415
    with pytest.raises(RequestError) as refused:
        read_upload_body("multipart/related; boundary=b", None)
    assert refused.value.status == 415
    with pytest.raises(RequestError, match="boundary"):
        read_upload_body("multipart/form-data", None)
    assert read_upload_body("multipart/form-data; boundary=b", "identity") == FormFiles("b")
    assert read_upload_body("text/plain", None) == OneFile()
