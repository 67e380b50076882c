"""Links to single objects: minted for an enforcement point, listed, revoked.

Orthanc's authorization plugin asks for a link without saying for whom.  So the authority of
a link is that of the account with which the plugin asks: the policy says what this account may read and
`share`, and a link is minted only for what the account may read whole and share whole.  Whoever
uses the link later stands for that account, under the policy as it is then.

Called by the plugin's door and by the command line.

Invariants:
- a link is minted for objects that exist, each under both of its names, and never for none;
- a link ends within what the configuration allows, whatever was asked for;
- row and event are one transaction.

Standard: PS3.16 CID 401 (110135).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pacsgate.audit.events import EventKind, StudyObject
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.model.share import SharedObject
from pacsgate.policy.engine import Bound
from pacsgate.ports.shares import MintedShare, ShareMint, ShareRecord, ShareStore
from pacsgate.protocols.orthanc.identifiers import orthanc_id as identifier
from pacsgate.protocols.orthanc_plugin.purposes import LONGEST_INSTANT, Purpose
from pacsgate.protocols.orthanc_plugin.requests import AskedObject, LinkRequest
from pacsgate.services.administration import Change
from pacsgate.services.freshness import Freshness
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.safe_unseen import SafeUnseen

MOST_OBJECTS = 100
"""In one link; Orthanc Explorer 2 shares what somebody has ticked on a page."""
NEEDED = frozenset({Action.VIEW, Action.RETRIEVE, Action.EXPORT, Action.SHARE})
"""Of whoever mints: the plugin does not tell a look from a download, so a link is good for both."""

_LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """What the configuration of an archive allows."""

    purposes: Collection[Purpose]
    longest: timedelta


@dataclass(frozen=True, slots=True)
class IssuedShare:
    """A new link and its text, which is never shown again."""

    text: str
    record: ShareRecord


class ShareObjects:
    """Links of a tenant."""

    def __init__(self, shares: ShareStore, mint: ShareMint, publish: Callable[[], object]) -> None:
        """`publish` brings what has just been committed into the trail."""
        self._shares = shares
        self._mint = mint
        self._publish = publish

    def shares(self, scope: TenantScope) -> tuple[ShareRecord, ...]:
        """Every link, whether live or not."""
        return self._shares.shares(scope)

    def issue(
        self,
        change: Change,
        account: str,
        archive: ArchiveName,
        asked: LinkRequest,
        objects: tuple[SharedObject, ...],
        limits: LinkLimits,
    ) -> IssuedShare:
        """Mint a link for objects that `shareable` has found."""
        purpose = _purpose(asked.purpose, limits)
        minted: MintedShare = self._mint.mint()
        record = ShareRecord(
            share_id=minted.share_id,
            secret_sha256=minted.secret_sha256,
            archive=archive,
            account=account,
            purpose=purpose.value,
            label="".join(filter(str.isprintable, asked.label))[:_LONGEST_LABEL],
            objects=objects,
            created_at=change.at,
            expires_at=_end(asked, purpose, limits, change.at),
        )
        event = change.event(
            EventKind.OBJECT_ACCESS_CHANGED,
            "link issued",
            account,
            after=f"read until {record.expires_at.isoformat()}",
            study=_study(objects),
            link=record.share_id,
            purpose=purpose.value,
            objects=" ".join(f"{one.level}:{one.uid}" for one in objects),
        )
        self._shares.add_share(change.scope, record, event)
        self._publish()
        return IssuedShare(minted.text, record)

    def revoke(self, change: Change, share_id: str) -> None:
        """Make a link worthless from the next question on."""
        found = self._shares.share(share_id)
        if found is None or found[0] != change.scope.tenant:
            raise NotFoundError(
                f"no link has the id `{share_id}`; `pacsgate orthanc shares list` shows those that exist"
            )
        _, record = found
        if record.revoked_at is not None:
            raise ConflictError(f"link `{share_id}` was revoked already")
        event = change.event(
            EventKind.OBJECT_ACCESS_CHANGED,
            "link revoked",
            record.account,
            before=f"read until {record.expires_at.isoformat()}",
            study=_study(record.objects),
            link=share_id,
        )
        self._shares.revoke_share(change.scope, share_id, change.at, event)
        self._publish()


def shareable(
    scope: TenantScope,
    archive: ArchiveName,
    asked: LinkRequest,
    bound: Bound,
    safe: SafeUnseen,
    freshness: Freshness,
) -> tuple[SharedObject, ...] | Refusal:
    """The objects of a link, each with both names, or the refusal if the account may not share one of them.

    Raises `RequestError`, `ArchiveError`.
    """
    if not 0 < len(asked.objects) <= MOST_OBJECTS:
        raise RequestError(f"a link is for 1 to {MOST_OBJECTS} objects")
    found: list[SharedObject] = []
    for one in asked.objects:
        name = one.orthanc_id or _name_of_study(scope, archive, one, freshness)
        whole = None if name is None else safe.named(scope, archive, one.level, name, NEEDED, bound)
        if name is None or whole is None:
            # Hidden, missing, partly visible or not to be shared: whoever asks is not told which.
            return Refusal(Answer.FORBIDDEN, (Reason(ReasonCode.NO_PERMIT),), bound.revision)
        named = safe.orthanc.names.resolve(scope, archive, one.level, name)
        uid = None if named is None else uid_of(named.keys[0], one.level)
        if uid is None or one.uid not in {None, uid}:
            raise RequestError("`orthanc-id` and `dicom-uid` name two objects")
        found.append(SharedObject(one.level, name, uid))
    return tuple(dict.fromkeys(found))


def uid_of(key: ResourceKey, level: Level) -> str | None:
    """The UID of what a key names, at the level at which it is asked for."""
    match level:
        case Level.STUDY:
            return key.study_instance_uid
        case Level.SERIES:
            return key.series_instance_uid
        case Level.INSTANCE:
            return key.sop_instance_uid
        case Level.PATIENT:
            return None


def covers(record: ShareRecord, level: Level, key: ResourceKey) -> bool:
    """Whether a link names an object itself, or what it is a part of."""
    patient = key.patient_id
    uids = [uid for uid in (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid) if uid]
    if patient is None or level is Level.PATIENT:
        return False
    above = {identifier(patient, *uids[:depth]) for depth in range(1, len(uids) + 1)}
    return any(one.orthanc_id in above for one in record.objects)


def _name_of_study(
    scope: TenantScope, archive: ArchiveName, one: AskedObject, freshness: Freshness
) -> str | None:
    """Orthanc's name for the one study with this UID; below a study a UID alone is not looked for."""
    if one.level is not Level.STUDY or one.uid is None:
        raise RequestError("below a study, a resource has an `orthanc-id`")
    studies = freshness.studies(scope, archive, one.uid).studies
    if len(studies) > 1:
        raise RequestError("several patients have a study with this UID: name it by its `orthanc-id`")
    return identifier(studies[0].patient_id, studies[0].study_instance_uid) if studies else None


def _purpose(text: str, limits: LinkLimits) -> Purpose:
    purpose = next((purpose for purpose in limits.purposes if purpose == text), None)
    if purpose is None:
        raise RequestError(f"links here are for: {', '.join(sorted(limits.purposes))}")
    return purpose


def _end(asked: LinkRequest, purpose: Purpose, limits: LinkLimits, now: datetime) -> datetime:
    longest = now + min(limits.longest, LONGEST_INSTANT if purpose.is_instant else limits.longest)
    if asked.until is not None:
        if asked.until <= now:
            raise RequestError("`expiration-date` is in the past")
        return min(asked.until, longest)
    # The plugin sends whatever its memory held where its client gave no duration.
    wished = asked.seconds or 0
    return (
        longest
        if not 0 < wished < limits.longest.total_seconds()
        else min(now + timedelta(seconds=wished), longest)
    )


def _study(objects: Collection[SharedObject]) -> StudyObject | None:
    studies = [one.uid for one in objects if one.level is Level.STUDY]
    return StudyObject(studies[0]) if len(studies) == 1 else None
