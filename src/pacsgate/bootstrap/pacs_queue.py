"""Wires the queue of PACSes: the use cases on one installation, whichever process it is.

Called by `api`, `gate`, `background` and the command line.
"""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Route

from pacsgate.admin.api.trees import AIS, API
from pacsgate.bootstrap.executors import executors
from pacsgate.bootstrap.identity_sources import role_ceilings
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.queue_thread import QueueThread
from pacsgate.bootstrap.tenancy import warrants
from pacsgate.config import Settings
from pacsgate.gateway.http.oauth_token import oauth_routes
from pacsgate.gateway.http.pacs_polls import PacsPolls, poll_routes
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.client_door import ClientDoor
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.identity.tokens import RandomTokens
from pacsgate.ports.pacs_queue import PacsQueue
from pacsgate.services.pacs_queue.dead_letters import DeadLetters
from pacsgate.services.pacs_queue.give_up import GiveUpMessages
from pacsgate.services.pacs_queue.hand_over import HandOver
from pacsgate.services.pacs_queue.overdue import EndOverdue
from pacsgate.services.pacs_queue.recording import QueueRecord
from pacsgate.services.pacs_queue.results import Results
from pacsgate.services.pacs_queue.rules import QueueRules
from pacsgate.services.pacs_queue.run_here import RunHere
from pacsgate.services.pacs_queue.submit import SubmitOperation
from pacsgate.services.pacs_queue.told_once import ToldOnce
from pacsgate.stores.pacs_queue.bell import open_bell

_PLACE = "tenants/{tenant}/pacs/{pacs}"
_MESSAGES = f"{_PLACE}/agent/messages"
_RESULT = f"{_PLACE}/results/{{message}}"


@dataclass(frozen=True, slots=True)
class QueueDesk:
    """The use cases."""

    queue: PacsQueue
    overdue: EndOverdue
    hand_over: HandOver
    here: RunHere
    submit: SubmitOperation
    results: Results
    letters: DeadLetters
    give_up: GiveUpMessages


def queue_rules(settings: Settings) -> QueueRules:
    """The bounds that the configuration sets."""
    given = settings.queue
    return QueueRules(
        lease=given.lease,
        attempts=given.attempts,
        lifetime=given.lifetime,
        readable=given.results,
        most=given.most,
    )


def queue_desk(installation: Installation) -> QueueDesk:
    """The use cases over the queue of an installation."""
    permissions = warrants(installation)
    queue, clock, rules = installation.stores.queue, installation.clock, queue_rules(installation.settings)
    record = QueueRecord(installation.trail)
    overdue = EndOverdue(queue, record, clock, rules)
    told_once = ToldOnce(installation.sealer)
    hand_over = HandOver(queue, overdue, permissions.still, record, clock, rules, told_once)
    here = RunHere(hand_over, executors(installation))
    return QueueDesk(
        queue=queue,
        overdue=overdue,
        hand_over=hand_over,
        here=here,
        submit=SubmitOperation(queue, record, here, clock, rules),
        results=Results(queue, permissions.holds, record, clock, told_once),
        letters=DeadLetters(queue, record, here, clock, rules),
        give_up=GiveUpMessages(queue, record, clock, rules),
    )


def queue_routes(installation: Installation, gate: Gate, contexts: RequestContexts) -> list[Route]:
    """What is served for agents and requesters beside the application of the API."""
    desk = queue_desk(installation)
    polls = PacsPolls(
        warrants=warrants(installation, installation.calls.count),
        hand_over=desk.hand_over,
        results=desk.results,
        waiters=gate.waiters,
        sightings=gate.sightings,
        wait=installation.settings.queue.wait,
    )
    clients = ClientDoor(
        directory=installation.stores.directory,
        mint=RandomTokens(),
        attempts=Attempts(installation.stores.directory),
        record=SignInRecord(installation.trail),
        ceilings=role_ceilings(installation.settings),
    )
    return [
        *poll_routes(gate, contexts, polls, messages=_in_trees(_MESSAGES), results=_in_trees(_RESULT)),
        *oauth_routes(gate.settings, contexts, clients),
    ]


def queue_thread(installation: Installation, gate: Gate, log: Callable[[str], object]) -> QueueThread:
    """What wakes those who wait at a worker."""
    return QueueThread(
        installation.stores.queue,
        open_bell(installation.database, installation.stores.queue.sender),
        gate.waiters,
        gate.sightings,
        installation.clock,
        queue_rules(installation.settings),
        log,
    )


def _in_trees(path: str) -> tuple[str, ...]:
    return tuple(f"{tree.prefix}/{tree.path(path)}" for tree in (API, AIS))
