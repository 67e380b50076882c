from email import message_from_bytes
from email.encoders import encode_noop
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.multipart import (
    PART_TAIL,
    BodyEnd,
    MultipartEvent,
    MultipartLimits,
    MultipartReader,
    PartBegin,
    PartData,
    PartEnd,
    closing,
    content_type,
    part_head,
    read_content_type,
)

LIMITS = MultipartLimits(total_bytes=10_000, part_bytes=5_000)
BOUNDARY = "b0undary"


ORTHANCS = "bca55f2d-5af2-4276-96d4-53a12d428d65-bca55f2d-5af2-4276-96d4-53a12d428d65"
"""Of the requests that Orthanc's plugin sends: three characters longer than RFC 2046 allows."""


def write(parts: list[bytes], boundary: str = BOUNDARY) -> bytes:
    return b"".join(part_head(boundary, "application/dicom") + part + PART_TAIL for part in parts) + closing(
        boundary
    )


def read(body: bytes, limits: MultipartLimits = LIMITS, boundary: str = BOUNDARY) -> list[MultipartEvent]:
    reader = MultipartReader(boundary, limits)
    events = reader.feed(body)
    reader.close()
    return events


def parts_of(events: list[MultipartEvent]) -> list[bytes]:
    parts: list[bytes] = []
    for event in events:
        if isinstance(event, PartBegin):
            parts.append(b"")
        elif isinstance(event, PartData):
            parts[-1] += event.data
    return parts


@given(st.lists(st.binary(max_size=80), max_size=5))
def test_what_is_written_is_what_is_read(parts: list[bytes]) -> None:
    events = read(write(parts))
    assert parts_of(events) == parts
    assert events[-1] == BodyEnd()
    assert events.count(PartEnd()) == len(parts)


@given(
    st.lists(
        st.binary(min_size=1, max_size=80).filter(lambda part: not set(part) & set(b"\r\n")),
        min_size=1,
        max_size=4,
    )
)
def test_another_reader_reads_the_same_parts(parts: list[bytes]) -> None:
    head = f"Content-Type: {content_type(BOUNDARY, 'application/dicom')}\r\n\r\n".encode()
    message = message_from_bytes(head + write(parts), policy=HTTP)
    found = message.get_payload()
    assert [part.get_payload(decode=True) for part in found] == parts
    assert {part.get_content_type() for part in found} == {"application/dicom"}


def test_what_another_writer_wrote_is_read() -> None:
    message = MIMEMultipart("related", BOUNDARY, policy=HTTP)
    for data in (b"first", b"second\r\n--b0unda"):
        message.attach(MIMEApplication(data, "dicom", encode_noop, policy=HTTP))
    body = message.as_bytes(policy=HTTP).partition(b"\r\n\r\n")[2]
    assert parts_of(read(body)) == [b"first", b"second\r\n--b0unda"]


def test_the_location_of_a_part_is_in_its_head() -> None:
    (begin, *_) = read(part_head(BOUNDARY, "image/png", "/studies/1") + b"x" + PART_TAIL + closing(BOUNDARY))
    assert begin == PartBegin({"content-type": "image/png", "content-location": "/studies/1"})


def test_line_ends_before_the_first_boundary_are_passed_over() -> None:
    assert parts_of(read(b"\r\n\r\n" + write([b"x"]))) == [b"x"]


def test_what_follows_the_closing_boundary_is_not_read_as_parts() -> None:
    assert parts_of(read(write([b"x"]) + write([b"smuggled"]))) == [b"x"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"--b0undary",
        b"--b0undary\r\n",
        write([b"x"])[:-4],
        write([b"x"]).removesuffix(closing(BOUNDARY)),
        b"preamble\r\n" + write([b"x"]),
        write([b"x"], "other"),
        write([b"x"]).replace(b"Content-Type:", b"Content Type:"),
        write([b"x"]).replace(b"Content-Type:", b":"),
        write([b"x"]).replace(b"application/dicom\r\n", b"application/dicom\rX"),
        write([b"x"]).replace(b"Content-Type: application/dicom", b"Content-Type: a/b\nX: y"),
        write([b"x"]).replace(b"Content-Type", b"A: 1\r\na: 2\r\nContent-Type"),
        write([b"x"]).replace(b"Content-Type", b"A: " + b"x" * 5000 + b"\r\nContent-Type"),
        write([b"x"]).replace(
            b"Content-Type", b"".join(b"A%d: x\r\n" % number for number in range(17)) + b"Content-Type"
        ),
    ],
)
def test_a_malformed_or_truncated_body_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError) as refusal:
        read(body)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("body", "limits"),
    [
        (write([b"x" * 100]), MultipartLimits(total_bytes=120, part_bytes=5000)),
        (write([b"x" * 101]), MultipartLimits(total_bytes=5000, part_bytes=100)),
        (write([b"x"] * 3), MultipartLimits(total_bytes=5000, part_bytes=100, parts=2)),
    ],
)
def test_a_body_that_is_too_large_is_refused_as_such(body: bytes, limits: MultipartLimits) -> None:
    with pytest.raises(RequestError) as refusal:
        read(body, limits)
    assert refusal.value.status == 413


@pytest.mark.parametrize(
    ("header", "boundary", "part_type"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', "abc", "application/dicom"),
        ('Multipart/Related; boundary="a b"; TYPE=application/dicom', "a b", "application/dicom"),
        ("multipart/related; boundary=x", "x", "application/dicom"),
        ("multipart/related; boundary=" + ORTHANCS, ORTHANCS, "application/dicom"),
        ('multipart/related; boundary=x; type="application/dicom+json"', "x", "application/dicom+json"),
    ],
)
def test_the_type_of_a_body_is_read(header: str, boundary: str, part_type: str) -> None:
    found = read_content_type(header)
    assert (found.boundary, found.part_type) == (boundary, part_type)


@given(
    st.from_regex(r"[0-9A-Za-z'()+_,./:=?-]{1,70}", fullmatch=True).filter(
        lambda text: not set(text) & set("()+,/:=?'")
    )
)
def test_the_content_type_that_is_written_is_read_back(boundary: str) -> None:
    assert read_content_type(content_type(boundary, "image/png")).boundary == boundary


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 400),
        ("", 400),
        ("multipart/form-data; boundary=x", 415),
        ("application/dicom", 415),
        ("multipart/related", 400),
        ("multipart/related; boundary=", 400),
        ('multipart/related; boundary="x "', 400),
        ("multipart/related; boundary=" + "x" * 101, 400),
        ("multipart/related; boundary=x; boundary=y", 400),
        ('multipart/related; boundary="x\r\ny"', 400),
        ("multipart/related; boundary=x; type=nonsense", 400),
    ],
)
def test_a_bad_content_type_is_refused(header: str | None, status: int) -> None:
    with pytest.raises(RequestError) as refusal:
        read_content_type(header)
    assert refusal.value.status == status
