"""From a row of the directory to the one value that decisions speak of."""

from datetime import datetime

from pacsgate.model.actions import Action
from pacsgate.model.resource import TenantName
from pacsgate.model.subject import Credential, Subject, SubjectKind
from pacsgate.ports import UserRecord


def subject_of(
    user: UserRecord,
    tenant: TenantName,
    credential: Credential,
    *,
    credential_id: str | None = None,
    authenticated_at: datetime,
    token_actions: frozenset[Action] | None = None,
) -> Subject:
    """The subject that a verified credential of this user stands for."""
    return Subject(
        tenant=tenant,
        name=user.name,
        kind=SubjectKind(user.kind),
        display_name=user.display_name,
        assignments=user.assignments,
        groups=user.groups,
        attributes=user.attributes,
        credential=credential,
        credential_id=credential_id,
        authenticated_at=authenticated_at,
        token_actions=token_actions,
    )
