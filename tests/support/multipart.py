"""multipart/related bodies as a client writes them (RFC 2387), made without the gate's own code."""

from collections.abc import Sequence

BOUNDARY = "a-test-boundary"


def multipart_related(objects: Sequence[bytes], media: str = "application/dicom") -> tuple[bytes, str]:
    """The body that holds these parts, and its Content-Type."""
    parts = b"".join(
        b"--%s\r\nContent-Type: %s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), media.encode(), data)
        for data in objects
    )
    body = parts + b"--%s--\r\n" % BOUNDARY.encode()
    return body, f'multipart/related; type="{media}"; boundary={BOUNDARY}'
