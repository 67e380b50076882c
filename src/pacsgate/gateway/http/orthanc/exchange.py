"""One request of the Orthanc dialect on its way through the door.

It is an `Exchange` with what Orthanc's dialect has besides: names that are hashes, rows that name
no image but need a permission, and Orthanc itself, which is asked for nothing that was not decided.

Made by `door`; handed to the handlers of the dialect.

Invariants:
- a refused permission is on record before it is answered.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.exchange import Exchange, Reached
from pacsgate.gateway.http.named_studies import NamedStudy, note_studies
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ArchiveError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import Level
from pacsgate.policy.engine import Bound
from pacsgate.ports.orthanc import Orthanc, OrthancRequest, OrthancResponse
from pacsgate.protocols.orthanc.routes import Needs
from pacsgate.services.resolve import Answer, Reach, Refusal

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""Of one JSON document of Orthanc's: the tags of some ten thousand instances."""


@dataclass(frozen=True, slots=True)
class OrthancExchange(Exchange):
    """An authenticated request at one archive of kind `orthanc`."""

    orthanc: Orthanc
    mount: str
    """The path below which the client finds the dialect, without a trailing slash: empty for `/`."""

    async def reach_named(self, level: Level | None, orthanc_id: str, action: Action) -> Reached | Response:
        """The parts of what is named on which an action is allowed, or the recorded refusal."""
        recalled = self._recall_named(level, orthanc_id, action)
        if recalled is not None:
            self._note(recalled.reach)
            return recalled

        def work() -> tuple[Bound, Reach | Refusal]:
            bound = self.bind()
            return bound, self.reach_here(level, orthanc_id, action, bound)

        bound, found = await self.at_archive(work)
        if isinstance(found, Refusal):
            details = {"orthanc_id": orthanc_id}
            await self.record(self.circumstances(bound).denial(found.reasons, action=action, details=details))
            return answers.refusal(found)
        self._note(found)
        return Reached(found, self.circumstances(bound))

    def reach_here(
        self, level: Level | None, orthanc_id: str, action: Action, bound: Bound
    ) -> Reach | Refusal:
        """The same in a thread already, for several names in one visit; who asks records the refusal."""
        return self.gate.orthanc_reach.reach_named(self.scope, self.archive, level, orthanc_id, action, bound)

    def ask(self, request: OrthancRequest) -> AbstractAsyncContextManager[OrthancResponse]:
        """Ask Orthanc what was decided; the body is read inside the context."""
        return self.orthanc.ask(request)

    async def ask_json(self, request: OrthancRequest) -> object:
        """The same, for an answer that is one JSON document."""
        async with self.ask(request) as response:
            body = await response.read(MAX_DOCUMENT_BYTES)
        try:
            return msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise ArchiveError("the archive answered with what is no JSON") from error

    async def refuse_unmet(self, needs: Needs) -> Response | None:
        """The recorded refusal of a subject who could never meet what a row needs; `None` if it might."""
        bound = self.gate.policies.recall(self.scope, self.subject, self.context, self.archive)
        if bound is None:
            bound = await self.in_thread(self.bind)
        if needs.permissions & bound.permissions:
            return None
        if not needs.actions and not needs.any_of:
            return await self._lacks(min(needs.permissions), bound)
        never = [denied for action in sorted(needs.actions) if (denied := bound.could(action)) is not None]
        denied_any = [bound.could(action) for action in sorted(needs.any_of)]
        if denied_any and not any(denied is None for denied in denied_any):
            never += [denied for denied in denied_any if denied is not None]
        if not never:
            return None
        first = never[0]
        refused = Refusal(Answer.FORBIDDEN, first.reasons, first.revision, first.message)
        return await self.refuse(refused, bound, action=None)

    async def require_permission(self, permission: Permission) -> Response | None:
        """`None` if the subject holds a permission, or the recorded refusal."""
        bound = await self.in_thread(self.bind)
        return None if permission in bound.permissions else await self._lacks(permission, bound)

    async def _lacks(self, permission: Permission, bound: Bound) -> Response:
        denial = self.circumstances(bound).denial(
            (Reason(ReasonCode.NO_PERMISSION),), details={"permission": permission.value}
        )
        await self.record(denial)
        return answers.forbidden(f"this needs the permission `{permission}`")

    def json(self, value: object, *, status: int = 200) -> Response:
        """A JSON answer that no cache keeps."""
        return Response(
            msgspec.json.encode(value) + b"\n",
            status_code=status,
            headers={**NO_STORE, "Content-Type": "application/json; charset=utf-8"},
        )

    def _recall_named(self, level: Level | None, orthanc_id: str, action: Action) -> Reached | None:
        """The answer of `reach_named` without a thread, for another instance of a recent study."""
        bound = self.gate.policies.recall(self.scope, self.subject, self.context, self.archive)
        if bound is None:
            return None
        reach = self.gate.orthanc_reach.recall_named(
            self.scope, self.archive, level, orthanc_id, action, bound
        )
        return None if reach is None else Reached(reach, self.circumstances(bound))

    def _note(self, reach: Reach) -> None:
        note_studies(
            self.request,
            *(NamedStudy(self.scope, self.archive, study.study_instance_uid) for study in reach.studies),
        )
