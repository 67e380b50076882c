"""One study: what it is, its series, what I may do with it and why not.

Called by `routes`.

Invariants:
- a study that is hidden, and one that does not exist, are the same page;
- a picture is asked for only where the person may view, and the door that serves it decides again.
"""

from dataclasses import dataclass

import anyio
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.answers_in_words import owners, told
from pacsgate.admin.console.problem_pages import nothing_here
from pacsgate.admin.console.signed_in import Visitor, Visitors
from pacsgate.admin.console.study_rows import Shown
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.actions import Action
from pacsgate.model.grant import Grant, GrantTarget
from pacsgate.policy.engine import Bound
from pacsgate.services.browse_studies import BrowseStudies
from pacsgate.services.resolve import Refusal


@dataclass(frozen=True, slots=True)
class StudyPage:
    """What the page of a study works with."""

    visitors: Visitors
    browse: BrowseStudies
    has_viewer: bool

    def routes(self) -> list[Route]:
        """Its route."""
        return [Route("/studies/{uid}", self.visitors.only(self._page), methods=["GET"])]

    async def _page(self, visitor: Visitor) -> Response:
        return await anyio.to_thread.run_sync(self._study, visitor)

    def _study(self, visitor: Visitor) -> Response:
        uid = visitor.request.path_params["uid"]
        if not is_valid_uid(uid):
            return nothing_here(visitor.render)
        caller = visitor.caller
        archive = self.browse.archive(caller, visitor.request.query_params.get("archive", ""))
        seen = self.browse.look(caller, archive, uid)
        if isinstance(seen, Refusal):
            return nothing_here(visitor.render)
        bound = self.browse.bind(caller, archive)
        answers = [told(answer, seen.visible, bound) for answer in seen.answers]
        is_main = self.browse.is_main(caller, archive)
        return visitor.render(
            "study.html",
            uid=uid,
            archive=archive,
            is_main=is_main,
            studies=[Shown(row) for row in seen.studies],
            series=[Shown(row) for row in seen.series],
            visible=seen.visible,
            answers=answers,
            may_view=any(answer.allowed for answer in answers if answer.action is Action.VIEW),
            owners=owners(bound),
            grants=_grants(bound, uid, visitor),
            dicomweb="/dicom-web" if is_main else f"/archives/{archive}/dicom-web",
            has_viewer=self.has_viewer and is_main,
        )


def _grants(bound: Bound, uid: str, visitor: Visitor) -> list[Grant]:
    """The person's own live grants that name this very study."""
    return [
        grant
        for grant in bound.grants
        if grant.target is GrantTarget.STUDY and grant.target_id == uid and grant.is_live(visitor.now)
    ]
