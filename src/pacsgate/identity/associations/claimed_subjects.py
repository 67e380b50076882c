"""From what an assertion says of a person to the subject that it stands for.

A local account of that name is who it is, with its own roles, groups and attributes: somebody who
was disabled here stays out, whatever an issuer says.  People without an account are let in only
where their issuer is configured to speak for them; their groups become roles by the assignments of
the policy.

Called by `by_assertion`.
"""

from datetime import datetime

from pacsgate.identity.refusals import Cause
from pacsgate.identity.subjects import subject_of
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Directory
from pacsgate.ports.assertions import Claims

LONGEST_NAME = 128


def claimed_subject(
    directory: Directory, scope: TenantScope, claims: Claims, at: datetime
) -> Subject | Cause:
    """The subject of an assertion, as the directory is now."""
    name = claims.name
    if not name.isprintable() or ":" in name or len(name) > LONGEST_NAME:
        return Cause.NAMELESS_ASSERTION
    account = directory.user(scope, name)
    if account is not None:
        if account.disabled:
            return Cause.DISABLED
        return subject_of(
            account, scope.tenant, Credential.ASSERTION, credential_id=claims.issuer, authenticated_at=at
        )
    if not claims.makes_accounts or directory.tenant_of(name) is not None:
        return Cause.UNKNOWN_USER
    return Subject(
        tenant=scope.tenant,
        name=name,
        groups=claims.groups,
        attributes=claims.attributes,
        credential=Credential.ASSERTION,
        credential_id=claims.issuer,
        authenticated_at=at,
    )
