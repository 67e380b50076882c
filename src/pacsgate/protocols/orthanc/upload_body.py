"""How objects arrive at `POST /instances`: one file as the body, or the files of a form.

Orthanc looks at what the body is and not at what it is said to be; scripts say all sorts of things.  Only a
form has to say so, for its boundary.  A file may be a zip of files.  A compressed body is refused with a
sentence: its size would be the sender's secret.

Called by the HTTP gateway before a byte of the body is read.

Standard: none; Orthanc's REST API.  RFC 7578 (multipart/form-data).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.media_types import read_media_type
from pacsgate.protocols.dicomweb.multipart import read_boundary

ZIP_MAGIC = b"PK\x03\x04"
"""A zip that holds anything begins so (APPNOTE 4.3.7); no DICOM file does."""

_FILE_NAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OneFile:
    """The body is the file."""


@dataclass(frozen=True, slots=True)
class FormFiles:
    """The body is multipart/form-data; each part that has a file name is a file."""

    boundary: str


UploadBody = OneFile | FormFiles


def read_upload_body(content_type: str | None, content_encoding: str | None) -> UploadBody:
    """Read the header fields that describe a body.  Raises `RequestError`."""
    if content_encoding is not None and content_encoding.strip().lower() != "identity":
        raise RequestError(
            "compressed bodies are not accepted: send it without `Content-Encoding`", status=415
        )
    if content_type is None or not content_type.strip().lower().startswith("multipart/"):
        return OneFile()
    given = read_media_type(content_type)
    if given.name != "multipart/form-data":
        raise RequestError("only a file, or files in `multipart/form-data`, can be stored", status=415)
    return FormFiles(read_boundary(given))


def is_file(headers: Mapping[str, str]) -> bool:
    """Whether a part of a form is a file and not a field."""
    return _FILE_NAME.search(headers.get("content-disposition", "")) is not None
