"""Local accounts as subjects, for questions about somebody who is not there.

An account stands for the subject that it would be with a session begun this very
moment: its groups, attributes and assignments as the directory holds them now.
Nobody is let in by this; what comes out is only ever asked about: how the person proved who they
are, whoever asks has seen to, and what a policy demands beyond that is not proven here.

Used as `ports.Accounts` by `pacsgate.services`; built by `bootstrap`.

Invariants:
- an account that nobody may come in as stands for nobody.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from pacsgate.identity.subjects import NO_SOURCES, RoleCeilings, subject_of
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject, SubjectKind
from pacsgate.ports import Directory, UserRecord


class LocalAccounts:
    """The accounts of the directory."""

    def __init__(self, directory: Directory, ceilings: RoleCeilings = NO_SOURCES) -> None:
        self._directory = directory
        self._ceilings = ceilings

    def subject(self, scope: TenantScope, kind: SubjectKind, name: str, at: datetime) -> Subject | None:
        """The account of this kind and name; `None` if there is none, or nobody may come in as it."""
        record = self._directory.user(scope, name)
        return (
            _subject(scope, record, at, self._ceilings)
            if record is not None and _is(record, kind, at)
            else None
        )

    def named(self, scope: TenantScope, name: str, at: datetime) -> Subject | None:
        """The account of this name, of whichever kind; `None` if nobody may come in as it."""
        record = self._directory.user(scope, name)
        if record is None or not record.is_live(at):
            return None
        return _subject(scope, record, at, self._ceilings)

    def after(self, scope: TenantScope, kind: SubjectKind, name: str, at: datetime) -> Iterator[Subject]:
        """Every such account whose name comes after this one, in the order of their names."""
        for record in sorted(self._directory.users(scope), key=lambda record: record.name):
            if record.name > name and _is(record, kind, at):
                yield _subject(scope, record, at, self._ceilings)


def _is(record: UserRecord, kind: SubjectKind, at: datetime) -> bool:
    return record.kind == kind.value and record.is_live(at)


def _subject(scope: TenantScope, record: UserRecord, at: datetime, ceilings: RoleCeilings) -> Subject:
    asked_about = subject_of(record, scope.tenant, Credential.SESSION, authenticated_at=at, ceilings=ceilings)
    return replace(asked_about, owes_factor=False)
