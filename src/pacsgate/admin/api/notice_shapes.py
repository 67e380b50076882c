"""How the API tells what other administrators changed.

Called by `me`.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pacsgate.ports.notices import Unseen


class NoticeTold(BaseModel):
    """One change."""

    number: int
    kind: str = Field(description="The kind of its event, as in the trail.")
    at: datetime
    by: str
    change: str
    target: str = Field(description="Whom or what it was done to.")
    about: str = Field(description="Of an assignment, the role with its scope and time.")


class NoticeList(BaseModel):
    """Changes by others that the caller has not seen."""

    notices: list[NoticeTold]
    unseen: int = Field(description="How many there are with those that are listed when these are seen.")

    @classmethod
    def of(cls, unseen: Unseen) -> "NoticeList":
        """As they are told."""
        told = [
            NoticeTold(
                number=notice.number,
                kind=notice.kind.name,
                at=notice.at,
                by=notice.by,
                change=notice.change,
                target=notice.target,
                about=notice.about,
            )
            for notice in unseen.notices
        ]
        return cls(notices=told, unseen=unseen.total)


class SeenUpTo(BaseModel):
    """What the caller has seen."""

    model_config = ConfigDict(extra="forbid")

    up_to: Annotated[int, Field(ge=1, le=2**63 - 1)] = Field(description="The number of the newest of them.")


class Seen(BaseModel):
    """What has been put on record."""

    seen: int = Field(description="How many changes those were.")
