"""A search as part of an address that tells nobody what was searched for.

Addresses end up in histories, bookmarks and the logs of proxies, where no name of a patient belongs.  So a
search form is sent in a body, and the browser led to an address that holds it sealed, for that person alone.

Called by `studies_pages`.

Invariants:
- an address of ours holds no name or number of a patient.

Standard: OWASP ASVS 5.0 14.2.1 (no sensitive data in URLs).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.model.errors import RequestError, SealError
from pacsgate.model.subject import Subject
from pacsgate.ports.factors import Sealer

_LONGEST = 4096
"""Bytes: what every proxy lets pass in an address, with room to spare."""


@dataclass(frozen=True, slots=True)
class KeptSearches:
    """Seals searches for whoever made them."""

    sealer: Sealer

    def keep(self, subject: Subject, values: Mapping[str, str]) -> str:
        """The search as a word for an address.  Raises `SealError`, or `RequestError` for too long a one."""
        written = json.dumps(dict(values)).encode("utf-8")
        if len(written) > _LONGEST:
            raise RequestError("the search is too long for a page: ask `/api/v1/search`", status=413)
        sealed = self.sealer.seal(written, _purpose(subject))
        return base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")

    def recall(self, subject: Subject, word: str) -> Mapping[str, str]:
        """The search of an address; nothing if it is somebody else's, or too old to be opened."""
        try:
            sealed = base64.urlsafe_b64decode(word.encode("ascii", "ignore") + b"==")
            found = json.loads(self.sealer.open(sealed, _purpose(subject)))
        except (SealError, binascii.Error):
            return {}
        return {str(name): str(value) for name, value in found.items()}


def _purpose(subject: Subject) -> str:
    return f"search of {subject.tenant}/{subject.name}"
