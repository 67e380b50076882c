"""My access: what I am here, where it comes from, until when; and why I cannot do something.

Called by `routes`.

Invariants:
- of a study that one may not search the answer is the same as of none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anyio
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.answers_in_words import ACTION_WORDS, Told, owners, told, why_not
from pacsgate.admin.console.held_roles import held_roles
from pacsgate.admin.console.signed_in import Visitor, Visitors
from pacsgate.admin.console.study_rows import Shown
from pacsgate.admin.console.words import sentence
from pacsgate.dicom.query import MatchKey, Query, SingleValue
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.actions import Action
from pacsgate.model.grant import Grant
from pacsgate.model.resource import ArchiveName, Level
from pacsgate.model.subject import Subject
from pacsgate.services.browse_studies import BrowseStudies, refusal_of
from pacsgate.services.callers import Caller
from pacsgate.services.resolve import Refusal

_MOST_GRANTS = 100
_SEVERAL = 5
"""Studies of one accession number that are answered about."""

_ACTIONS = tuple(
    (action.value, sentence(words)) for action, words in ACTION_WORDS.items() if action is not Action.SEARCH
)


@dataclass(frozen=True, slots=True)
class Why:
    """The answer to "why can't I": about each study meant, or none where nothing may be told."""

    does: str
    answers: Sequence[tuple[str, Shown, Told]]
    beforehand: str = ""
    """Why no study whatever would be allowed."""


@dataclass(frozen=True, slots=True)
class AccessPages:
    """What these pages work with."""

    visitors: Visitors
    browse: BrowseStudies

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            Route("/access", self.visitors.only(self._page), methods=["GET"]),
            Route("/access", self.visitors.only(self._why), methods=["POST"]),
        ]

    async def _page(self, visitor: Visitor) -> Response:
        return await anyio.to_thread.run_sync(self._show, visitor, {}, None)

    async def _why(self, visitor: Visitor) -> Response:
        form = await visitor.form()
        return await anyio.to_thread.run_sync(self._asked, visitor, form.values())

    def _asked(self, visitor: Visitor, asked: Mapping[str, str]) -> Response:
        archive = self.browse.archive(visitor.caller, asked.get("archive", ""))
        action = next((one for one in Action if one == asked.get("action")), Action.VIEW)
        study = asked.get("study", "").strip()
        if not study:
            return self._show(visitor, asked, None)
        why = self._answer(visitor.caller, archive, action, study)
        # What may be the name of something hidden is not said back, not even to who said it.
        shown = asked if why.answers else {**asked, "study": ""}
        return self._show(visitor, shown, why)

    def _answer(self, caller: Caller, archive: ArchiveName, action: Action, study: str) -> Why:
        bound = self.browse.bind(caller, archive)
        answers: list[tuple[str, Shown, Told]] = []
        for uid in self._meant(caller, archive, study):
            seen = self.browse.look(caller, archive, uid)
            if not isinstance(seen, Refusal):
                found = next(answer for answer in seen.answers if answer.action is action)
                answers.append((uid, Shown(seen.studies[0]), told(found, seen.visible, bound)))
        never = bound.could(action)
        beforehand = "" if never is None else why_not(action, refusal_of(never), bound)
        return Why(ACTION_WORDS[action], answers, beforehand)

    def _meant(self, caller: Caller, archive: ArchiveName, study: str) -> Sequence[str]:
        """The UIDs that a UID or an accession number stands for, as far as the caller may know."""
        if "." in study and is_valid_uid(study):
            return (study,)
        query = Query(Level.STUDY, (MatchKey(("AccessionNumber",), SingleValue(study)),), limit=_SEVERAL)
        found = self.browse.find(caller, archive, query, f"AccessionNumber={study}")
        return () if isinstance(found, Refusal) else [row.key.study_instance_uid for row in found.rows]

    def _show(self, visitor: Visitor, asked: Mapping[str, str], why: Why | None) -> Response:
        caller = visitor.caller
        archive = self.browse.archive(caller, asked.get("archive", ""))
        bound = self.browse.bind(caller, archive)
        subject = visitor.subject
        live = [grant for grant in bound.grants if grant.is_live(visitor.now)]
        return visitor.render(
            "access.html",
            asked=asked,
            why=why,
            archive=archive,
            archives=[(name, name) for name in self.browse.archives.of(caller.scope)],
            actions=_ACTIONS,
            subject=subject,
            attributes=_attributes(subject),
            roles=held_roles(bound),
            owners=owners(bound),
            grants=sorted(live, key=_by_end)[:_MOST_GRANTS],
            grant_count=len(live),
        )


def _attributes(subject: Subject) -> Mapping[str, Sequence[str]]:
    return {name: sorted(map(str, values)) for name, values in sorted(subject.attributes.items())}


def _by_end(grant: Grant) -> tuple[bool, object, str]:
    return (grant.expires is None, grant.expires or grant.granted_at, grant.grant_id)
