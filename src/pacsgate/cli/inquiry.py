"""What every question about people and studies needs: the policy, the circumstances, who and what is meant.

Called by the commands of `pacsgate policy` that ask an installation.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

import typer

from pacsgate.bootstrap.installation import Installation
from pacsgate.identity.subjects import fully_proven, subject_of
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Credential, Subject
from pacsgate.policy.policy import Policy
from pacsgate.ports import StudyEntry, UserRecord

User = Annotated[str, typer.Argument(help="A user's name.")]
ActionName = Annotated[Action, typer.Argument(help="An action on images.")]
StudyUid = Annotated[str, typer.Argument(help="A StudyInstanceUID.")]
Archive = Annotated[str | None, typer.Option("--archive", help="The archive; the default one otherwise.")]
Network = Annotated[str, typer.Option("--network", help="Ask as if from this network zone.")]
Purpose = Annotated[str, typer.Option("--purpose", help="Ask for this purpose of use.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Ask as if this reason were given.")]

GIVEN_REASON = "a question about the policy"
"""Whoever asks what somebody could do takes it that a reason would be given where one is needed."""


def live_policy(installation: Installation) -> Policy:
    """The policy in force.  Raises `NotFoundError`."""
    policy = installation.policy()
    if policy is None:
        raise NotFoundError("no policy has been activated yet: `pacsgate serve` activates the configured one")
    return policy


def circumstances(
    installation: Installation, network: str, purpose: str, reason: str | None = GIVEN_REASON
) -> Context:
    """Those of the question, now."""
    now = installation.clock.now()
    return Context(now=now, request_id="cli", network=network, purpose=purpose, reason=reason)


def somebody(installation: Installation, name: str, *, is_proven: bool = True) -> Subject:
    """An account as if it had just signed in, by all that can be asked of it or by a password alone.

    Raises `NotFoundError`.
    """
    record = installation.stores.directory.user(installation.scope, name)
    if record is None:
        raise NotFoundError(f"no user is called `{name}`; `pacsgate user list` shows those that exist")
    found = _signed_in(installation, record)
    return found if is_proven else replace(found, assurance_level=1, second_factor_at=None)


def everybody(installation: Installation) -> Iterable[Subject]:
    """Every account that somebody may come in as, likewise."""
    now = installation.clock.now()
    for record in installation.stores.directory.users(installation.scope):
        if record.is_live(now):
            yield _signed_in(installation, record)


def entries(installation: Installation, archive: ArchiveName, study: str) -> tuple[StudyEntry, ...]:
    """What the index holds of a study.  Raises `NotFoundError`."""
    found = installation.stores.index.studies(installation.scope, archive, study)
    if not found:
        raise NotFoundError(f"no study `{study}` is in the index of `{archive}`")
    return found


def _signed_in(installation: Installation, record: UserRecord) -> Subject:
    now = installation.clock.now()
    subject = subject_of(record, installation.scope.tenant, Credential.PASSWORD, authenticated_at=now)
    return fully_proven(subject, now)
