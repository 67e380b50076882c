"""How a page of a tenant is made: a warrant, what it shows, and what its forms ask for.

The tenant is the visitor's own, and its name is in no address.  What is asked of a PACS is submitted like any
request, and waited for; a PACS that does not answer in time leads to a page that says so.

Called by the modules of pages.

Invariants:
- nothing is looked up or asked for before its permission is demanded;
- a form changes nothing unless a page of this very session sent it;
- a form that is refused is shown again as it was filled in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

import anyio
from starlette.responses import Response

from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.page import see_other
from pacsgate.admin.console.problem_pages import status_of
from pacsgate.admin.console.signed_in import Endpoint, Visitor, Visitors
from pacsgate.model.errors import ConflictError, NotFoundError, PacsgateError, RequestError
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_reports import PacsReports
from pacsgate.ports.tenants import TenantRecord
from pacsgate.protocols.access.bodies import check_body
from pacsgate.services.access.work import FieldCheck
from pacsgate.services.administer_pacses import PacsAdministration
from pacsgate.services.administer_tenants import TenantAdministration
from pacsgate.services.agent_secrets import AgentSecrets
from pacsgate.services.known_pacses import KnownPacses
from pacsgate.services.managed_assignments import ManagedAssignments
from pacsgate.services.mandates import Mandate, Mandates
from pacsgate.services.pacs_queue.dead_letters import DeadLetters
from pacsgate.services.pacs_queue.results import Results
from pacsgate.services.pacs_queue.submit import SubmitOperation
from pacsgate.services.warrants import Warrant, Warrants

HOME = "/admin/tenancy"
SECONDS = 5.0
"""How long a page waits for an agent."""
FORMATS = Permission.CREDENTIAL_FORMATS_GET.value
NOTHING: Mapping[str, str] = MappingProxyType({})
_ERRORS: Mapping[int, Callable[[str], PacsgateError]] = {404: NotFoundError, 409: ConflictError}

DONE = {
    "made": "Made.",
    "planned": "Planned.",
    "changed": "Changed.",
    "added": "Added.",
    "checked-in": "Checked in.",
    "checked-out": "Checked out.",
    "cancelled": "Called off.",
    "removed": "Removed.",
    "given": "Given.",
    "taken": "Taken away.",
    "activated": "Activated.",
    "deactivated": "Deactivated.",
    "opened": "Opened.",
    "closed": "Closed.",
    "queued": "Queued again.",
    "assigned": "Role assigned, from the next request on.",
    "unassigned": "Role taken away.",
    "unregistered": "Unregistered.",
}
"""What is said after something was done, by the word that its page is asked for with."""


class SeeResultError(Exception):
    """A PACS has not answered yet, or never will: `path` is where that is told, and what to do."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a list of a PACS, and the cursor of those that follow."""

    rows: Sequence[Mapping[str, Any]] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True)
class TenancyDesk:
    """What these pages work with."""

    visitors: Visitors
    warrants: Warrants
    mandates: Mandates
    known: KnownPacses
    tenants: Callable[[], TenantAdministration]
    pacses: Callable[[], PacsAdministration]
    assignments: ManagedAssignments
    submit: SubmitOperation
    results: Results
    letters: DeadLetters
    secrets: AgentSecrets
    reports: PacsReports
    check_fields: FieldCheck

    def page(self, show: "Show") -> Endpoint:
        """An endpoint that shows a page."""

        async def page(visitor: Visitor) -> Response:
            return await anyio.to_thread.run_sync(lambda: self._shown(Turn(self, visitor), show))

        return self.visitors.only(page)

    def form(self, act: "Act", standing_on: "Show") -> Endpoint:
        """An endpoint that does what a form asks for; refused, the page that it stands on is shown again."""

        async def page(visitor: Visitor) -> Response:
            form = await visitor.form()
            return await anyio.to_thread.run_sync(lambda: self._done(visitor, act, form, standing_on))

        return self.visitors.only(page)

    def _shown(self, turn: "Turn", show: "Show") -> Response:
        try:
            return show(turn)
        except SeeResultError as elsewhere:
            return see_other(elsewhere.path)

    def _done(self, visitor: Visitor, act: "Act", form: Form, standing_on: "Show") -> Response:
        try:
            ended = act(Turn(self, visitor), form)
        except SeeResultError as elsewhere:
            return see_other(elsewhere.path)
        except (RequestError, ConflictError, NotFoundError) as refused:
            try:
                response = standing_on(Turn(self, visitor, refused.public, form))
            except SeeResultError:  # the page would say nothing of the refusal
                raise refused from None
            response.status_code = status_of(refused)
            return response
        return see_other(ended) if isinstance(ended, str) else ended


@dataclass(frozen=True, slots=True)
class Turn:
    """One page for one visitor."""

    desk: TenancyDesk
    visitor: Visitor
    problem: str = ""
    """Why what was asked just now was refused."""
    refused: Form | None = None
    """The form that was."""

    def __getitem__(self, name: str) -> str:
        """A part of the page's path."""
        return str(self.visitor.request.path_params[name])

    @property
    def pacs(self) -> ArchiveName:
        """The PACS that the page is about."""
        return ArchiveName(self["pacs"])

    @property
    def here(self) -> str:
        """The address of the page."""
        url = self.visitor.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    def asked(self, name: str) -> str:
        """A parameter of the page's address; `""` where there is none."""
        return self.visitor.request.query_params.get(name, "").strip()

    def tenant(self) -> TenantRecord:
        """The visitor's own tenant."""
        return self.desk.tenants().tenant(self.visitor.caller.scope)

    def may(self, permission: Permission, pacs: ArchiveName | None = None) -> bool:
        """Whether the visitor holds a permission, in the tenant or at a PACS."""
        return self.desk.warrants.holds(self.visitor.caller, permission, pacs)

    def may_ask(self, operation: str) -> bool:
        """Whether the visitor may ask this PACS for an operation."""
        return self.may(OPERATIONS[operation].permission, self.pacs)

    def need(self, permission: Permission, pacs: ArchiveName | None = None) -> Warrant:
        """A warrant for the visitor's own tenant."""
        caller = self.visitor.caller
        return self.desk.warrants.need(caller, permission, caller.subject.tenant, pacs)

    def need_over_people(self, permission: Permission) -> Mandate:
        """A mandate for what reaches accounts and roles."""
        return self.desk.mandates.need(self.need(permission).caller, permission)

    def ask(
        self,
        operation: str,
        ids: Mapping[str, str] = NOTHING,
        body: Any = None,
        parameters: Mapping[str, str] = NOTHING,
        *,
        then: str = "",
    ) -> Any:
        """What comes of an operation on this PACS.

        Raises what the PACS refused with, and `SeeResultError` where there is no answer; the page that it
        leads to goes on to `then`, or to this page.
        """
        warrant = self.need(OPERATIONS[operation].permission, self.pacs)
        check_body(operation, body)
        fields = (body or {}).get("extensionFields")
        if fields is not None:
            self.desk.check_fields(warrant.scope.tenant, OPERATIONS[operation].entity, fields)
        accepted = self.desk.submit.submit(warrant, operation, ids, body, parameters, None)
        outcome = self.desk.results.wait(
            warrant.scope, self.pacs, accepted.message_id, warrant.change().actor, seconds=SECONDS
        )
        if outcome is None or is_outage(outcome):
            onward = urlencode({"then": then or self.here})
            raise SeeResultError(f"{pacs_path(self.pacs)}/results/{accepted.message_id}?{onward}")
        if outcome.status >= HTTPStatus.BAD_REQUEST:
            told = outcome.body.get("message") if isinstance(outcome.body, dict) else None
            why = str(told or "the PACS refused")
            if outcome.status in _ERRORS:
                raise _ERRORS[outcome.status](why)
            raise RequestError(why, status=outcome.status)
        return outcome.body

    def rows(
        self,
        operation: str,
        name: str,
        ids: Mapping[str, str] = NOTHING,
        parameters: Mapping[str, str] = NOTHING,
    ) -> Rows:
        """The rows of a list; none where the visitor may not ask for it, or the PACS does not have it."""
        if not self.may_ask(operation):
            return Rows()
        try:
            body = self.ask(operation, ids, parameters=parameters)
        except RequestError as refused:
            if refused.status != HTTPStatus.NOT_IMPLEMENTED:
                raise
            return Rows()
        found = body.get(name) if isinstance(body, dict) else None
        return Rows(found, body.get("next")) if isinstance(found, list) else Rows()

    def render(self, template: str, **values: Any) -> Response:
        """The page."""
        return self.visitor.render(
            f"tenancy/{template}", turn=self, done=DONE.get(self.asked("done"), ""), **values
        )


def is_outage(outcome: Outcome) -> bool:
    """Whether it was not done, as far as anybody knows, and nobody has refused it."""
    return outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR and outcome.status != HTTPStatus.NOT_IMPLEMENTED


Show = Callable[[Turn], Response]
Act = Callable[[Turn, Form], "str | Response"]
"""Does what a form asks for; returns the path to go on to, or a page that is shown once."""


def pacs_path(pacs: str) -> str:
    """The page of a PACS."""
    return f"{HOME}/pacs/{quote(pacs, safe='')}"
