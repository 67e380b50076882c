"""However a multipart body is cut into chunks, it is read the same, and nothing but a `RequestError` comes out."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.multipart import (
    MultipartLimits,
    MultipartReader,
    PartBegin,
    PartData,
    read_content_type,
)

LIMITS = MultipartLimits(total_bytes=2000, part_bytes=500, parts=6, headers=4, header_bytes=60)

pieces = st.sampled_from(
    [
        b"--b", b"--b\r\n", b"\r\n--b\r\n", b"\r\n--b--\r\n", b"\r\n--b--", b"--b--", b"\r\n--bx", b"\r\n--b-", b"\r\n--b \r\n", b"\r\n--b\t", b"\r", b"\n",
        b"\r\n", b"\r\n\r\n", b"-", b"--", b":", b"Content-Type: application/dicom", b"A: 1\r\n", b"B: 2\r\n\r\n", b"A:", b" ", b"\x00", b"\xff", b"data",
        b"x" * 61, b"y" * 501,
    ]
)  # fmt: skip
bodies = st.lists(st.one_of(pieces, st.binary(max_size=4)), max_size=14).map(b"".join)
likely = bodies.map(lambda body: b"--b\r\nContent-Type: a/b\r\n\r\n" + body + b"\r\n--b--\r\n")


def read(chunks: list[bytes]) -> str | list[object]:
    """The parts, or the word for a refusal.  What came before a refusal is nobody's business."""
    reader = MultipartReader("b", LIMITS)
    seen: list[object] = []
    try:
        for chunk in chunks:
            for event in reader.feed(chunk):
                match event:
                    case PartData(data):
                        seen[-1] = (*seen[-1][:1], seen[-1][1] + data)
                    case PartBegin(headers):
                        seen.append((headers, b""))
                    case other:
                        seen.append((type(other), b""))
        reader.close()
    except RequestError:
        return "refused"
    return seen


@given(st.one_of(bodies, likely), st.lists(st.integers(0, 200), max_size=4))
@example(b"\r\njunk--b\r\nA: 1\r\n\r\nx\r\n--b--", [1])
@example(b"--b\r\n\r\nx\r\n--b-\r\n--b--", [])
@example(b"--b\r\nA:  1 \r\n\r\n\r\n--b \r\n\r\n\r\r\n--b--tail", [])
def test_whole_split_and_byte_by_byte_are_the_same(body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    split = [body[start:end] for start, end in pairwise(edges)]
    whole = read([body])
    assert read(split) == whole
    assert read([bytes([byte]) for byte in body]) == whole


@given(st.text(max_size=60), st.sampled_from(["", "multipart/related", "multipart/related; boundary="]))
def test_any_content_type_is_read_or_refused(tail: str, head: str) -> None:
    try:
        found = read_content_type(head + tail)
    except RequestError:
        return
    MultipartReader(found.boundary, LIMITS).feed(b"--")
