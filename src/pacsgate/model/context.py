"""The circumstances of one request, read once and handed down.

Time is read once per request by the door that received it; everything below
sees the same instant.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RequestLine:
    """What is asked for, in the words of HTTP: the method, and the path as the guarded archive would see it.

    The path is the canonical one: decoded once, without the gate's own mount in front.
    """

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Context:
    """When, from where and for which purpose a subject asks.

    `now` is aware UTC.  `purpose` is an HL7 v3 PurposeOfUse code (`TREAT`,
    `HRESCH`, …).  `network` is the name of the first configured zone that holds
    `client_address`, or `external`.  `reason` is what the subject gives as its
    reason, in its own words.  `risk` is what an assessment of this request came
    to; `None` where nobody assessed it.  The AE titles are those of a DIMSE
    association, as its requestor gave them.
    """

    now: datetime
    request_id: str
    client_address: str | None = None
    network: str = "external"
    purpose: str = "TREAT"
    calling_ae_title: str | None = None
    called_ae_title: str | None = None
    reason: str | None = None
    risk: float | None = None
    begun: datetime | None = None
    """When what goes on at `now` was begun, if that is earlier: how lately somebody must have proven who
    they are counts from there."""
    request: RequestLine | None = None
    """For rules about paths; `None` at doors that have none (DIMSE, the command line, the gate's own API)."""

    @property
    def asked_at(self) -> datetime:
        """When it was asked for what goes on now."""
        return self.begun or self.now
