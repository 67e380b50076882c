"""Local accounts as subjects, for questions about somebody who is not there.

An account stands for the subject that it would be with a session begun this very
moment: its groups, attributes and assignments as the directory holds them now.
Nobody is let in by this; what comes out is only ever asked about.

Used as `ports.Accounts` by `pacsgate.services`; built by `bootstrap`.

Invariants:
- a disabled account stands for nobody.
"""

from collections.abc import Iterator
from datetime import datetime

from pacsgate.identity.subjects import subject_of
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject, SubjectKind
from pacsgate.ports import Directory, UserRecord


class LocalAccounts:
    """The accounts of the directory."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def subject(self, scope: TenantScope, kind: SubjectKind, name: str, at: datetime) -> Subject | None:
        """The account of this kind and name; `None` if there is none, or it is disabled."""
        record = self._directory.user(scope, name)
        return _subject(scope, record, at) if record is not None and _is(record, kind) else None

    def after(self, scope: TenantScope, kind: SubjectKind, name: str, at: datetime) -> Iterator[Subject]:
        """Every such account whose name comes after this one, in the order of their names."""
        for record in sorted(self._directory.users(scope), key=lambda record: record.name):
            if record.name > name and _is(record, kind):
                yield _subject(scope, record, at)


def _is(record: UserRecord, kind: SubjectKind) -> bool:
    return record.kind == kind.value and not record.disabled


def _subject(scope: TenantScope, record: UserRecord, at: datetime) -> Subject:
    return subject_of(record, scope.tenant, Credential.SESSION, authenticated_at=at)
