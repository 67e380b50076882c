r"""One reading of a path, so that the gate and an archive never read it differently.

A path is split, percent-decoded exactly once and compared segment by segment
with a short list of characters that resource names have.  Whatever could mean
two things to two parsers (an encoded slash, a dot segment, an empty segment, a
path parameter, a second layer of encoding) is refused rather than repaired.

Called by the HTTP gateway for every dialect before anything else looks at the path; what
comes out is what is matched, recorded and, where it goes upstream, sent.

Invariants:
- no segment is empty, `.` or `..`, or holds a `/`, `\`, `%`, `;`, `?` or `#`, a control character or
  one outside ASCII;
- reading a segment again changes nothing.

Standard: RFC 3986 sections 2 and 3.3; PS3.18 8.2 (target resources).
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from pacsgate.model.errors import RequestError

MAX_PATH_BYTES = 4096
"""Three UIDs take 192; the rest is for lists of frames.  Orthanc and nginx stop at 8 KiB of request line."""

DICOMWEB_ROOT = "/dicom-web"
"""Where Orthanc serves DICOMweb unless it is told otherwise."""

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_FOREIGN_BYTE = re.compile(rb"[^A-Za-z0-9 !$&'()*+,=:@_~.-]")

_OVERRIDE_HEADERS = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
_OVERRIDE_PARAMETER = "_method"


def canonical_path(raw_path: bytes, *, slash_may_end: bool = False) -> tuple[str, ...]:
    """Split a raw path (as received, without query, below the mount) into decoded segments.

    The root is both `` and `/`; any other trailing slash is refused, because
    archives disagree on what it names.  `slash_may_end` is for Orthanc's own
    API, where one slash at the end changes nothing.
    """
    if len(raw_path) > MAX_PATH_BYTES:
        raise RequestError(f"path is longer than {MAX_PATH_BYTES} bytes", status=414)
    if raw_path in {b"", b"/"}:
        return ()
    if not raw_path.startswith(b"/"):
        raise RequestError("path does not begin with `/`")
    if slash_may_end:
        raw_path = raw_path.removesuffix(b"/")
    return tuple(_segment(segment) for segment in raw_path[1:].split(b"/"))


def seen_by_archive(path: Iterable[str], *, root: str) -> str:
    """The path as rules about requests see it: as Orthanc would, whatever the gate's own mount is called.

    `root` is where Orthanc has the dialect: `DICOMWEB_ROOT`, or nothing for its own API.
    """
    return "/".join((root, *path)) or "/"


def _segment(raw: bytes) -> str:
    if not raw:
        raise RequestError("path has an empty segment: remove the doubled or trailing `/`")
    if _BROKEN_ESCAPE.search(raw):
        raise RequestError("path has a `%` that is not followed by two hexadecimal digits")
    decoded = unquote_to_bytes(raw)
    foreign = _FOREIGN_BYTE.search(decoded)
    if foreign:
        raise RequestError(f"path has a character that no resource has: `%{foreign[0][0]:02X}`")
    if decoded in {b".", b".."}:
        raise RequestError("path has a dot segment")
    return decoded.decode("ascii")


def refuse_method_override(header_names: Iterable[str], parameter_names: Iterable[str]) -> None:
    """Refuse a request that asks to be treated as if it had another method.

    Orthanc honours both ways; a gate that decides on the method line must not let either through.
    """
    if any(name.lower() in _OVERRIDE_HEADERS for name in header_names):
        raise RequestError("method override headers are not accepted: send the method itself")
    if any(name.lower() == _OVERRIDE_PARAMETER for name in parameter_names):
        raise RequestError("the parameter `_method` is not accepted: send the method itself")
