"""From what a source says of somebody to the account and the subject that stand for them.

A source is of one tenant, and so are all whom it vouches for.  Identity is the pair of source and id
there, never a name: the same `sub` at two issuers, or in two tenants, is two
people, and whoever takes over a name at a source is not who had it before.  A link says which account
a person is.  The first time there is none yet, and the name decides: a source of mode `local` names
accounts of the gate, one of mode `claims` names its own, which are made then; a name that belongs to
anybody else is refused.

What a source says of groups and attributes holds for the credential that says it.  It is kept in the
account at sign-ins only, since tokens of different kinds say different amounts and must
not overwrite each other with every request.

Called by every door that believes sources: associations, bearer tokens, sign-in by browser, passwords
of directories, certificates.

Invariants:
- an account that is disabled, locked or outside its dates stays out, whatever a source says;
- groups and attributes of the gate's own accounts are the gate's, whoever signs them in.

Standard: OWASP ASVS 5.0 6.8.1 (identity is issuer and subject), 6.8.4.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.identity.federation.proven_methods import assurance_level, proven_methods
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.federation.token_scopes import bounded_actions, bounded_patient
from pacsgate.identity.refusals import Cause, what_bars
from pacsgate.identity.subjects import subject_of
from pacsgate.model.claimed_names import LONGEST_CLAIM
from pacsgate.model.context import Context
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject, SubjectKind
from pacsgate.ports import Directory, UserRecord
from pacsgate.ports.assertions import Claims
from pacsgate.ports.identity_sources import IdentityLink, IdentityLinks


class FederatedAccounts:
    """The accounts of people whom sources vouch for."""

    def __init__(
        self, directory: Directory, links: IdentityLinks, sources: Iterable[SourcePolicy] = ()
    ) -> None:
        self._directory = directory
        self._links = links
        self._sources: Mapping[str, SourcePolicy] = {source.name: source for source in sources}
        self._ceilings = {source.name: source.role_ceiling for source in self._sources.values()}

    def source(self, name: str) -> SourcePolicy | None:
        """The rules of the source of this name."""
        return self._sources.get(name)

    def admit(
        self,
        source: SourcePolicy,
        claims: Claims,
        credential: Credential,
        context: Context,
        *,
        signs_in: bool = True,
    ) -> Subject | Cause:
        """The subject that these claims stand for, with its account made or linked if it has none yet.

        Somebody who signs in has the account brought up to date; a token of a program does not.
        """
        scope = source.scope
        if not _is_name(claims.name) or not claims.external_id.isprintable():
            return Cause.NAMELESS_ASSERTION
        account = self._account(scope, source, claims, context)
        if isinstance(account, Cause):
            return account
        cause = what_bars(account, context.now)
        if cause is not None:
            return cause
        if account.source == source.name and signs_in:
            account = self._updated(scope, account, claims, context)
        return self._subject(scope, account, source, claims, credential, context.now)

    def known(
        self, source: SourcePolicy, claims: Claims, credential: Credential, at: datetime
    ) -> Subject | None:
        """The subject as it would be now, if nothing has to be made for it: for whoever is in already."""
        scope = source.scope
        link = self._links.linked(scope, source.name, _external_id(claims))
        account = None if link is None else self._directory.user(scope, link.user)
        if account is None or what_bars(account, at) is not None:
            return None
        return self._subject(scope, account, source, claims, credential, at)

    def _account(
        self, scope: TenantScope, source: SourcePolicy, claims: Claims, context: Context
    ) -> UserRecord | Cause:
        link = self._links.linked(scope, source.name, _external_id(claims))
        if link is not None:
            linked_to = self._directory.user(scope, link.user)
            if linked_to is None:
                return Cause.UNKNOWN_USER
            is_person = linked_to.kind == SubjectKind.USER.value
            return linked_to if is_person is (claims.kind is SubjectKind.USER) else Cause.NAME_OF_ANOTHER
        account = known = self._directory.user(scope, claims.name)
        if account is None:
            if source.accounts is AccountsMode.LOCAL:
                return Cause.UNKNOWN_USER
            account = self._made(scope, source, claims, context)
        if account is None or not source.may_name(account.source) or account.kind != claims.kind.value:
            return Cause.NAME_OF_ANOTHER
        linked = IdentityLink(source.name, _external_id(claims), account.name, context.now)
        found_by_name = _event(scope, source, account, "linked", context) if known else None
        try:
            self._links.link(scope, linked, found_by_name)
        except ConflictError:
            # Perhaps another process was quicker to let the same person in.
            link = self._links.linked(scope, source.name, _external_id(claims))
            return account if link is not None and link.user == account.name else Cause.NAME_OF_ANOTHER
        return account

    def _made(
        self, scope: TenantScope, source: SourcePolicy, claims: Claims, context: Context
    ) -> UserRecord | None:
        """A new account of the source, or whatever bears the name by now; with a lock that is on the name."""
        account = UserRecord(
            claims.name,
            claims.kind.value,
            display_name=claims.display_name,
            groups=claims.groups or frozenset(),
            attributes=claims.attributes,
            created_at=context.now,
            source=source.name,
        )
        with suppress(ConflictError):
            self._directory.add_user(scope, account, _event(scope, source, account, "created", context))
        return self._directory.user(scope, claims.name)

    def _updated(
        self, scope: TenantScope, account: UserRecord, claims: Claims, context: Context
    ) -> UserRecord:
        """The account with what its source says now; written only if it says something else than before."""
        told = replace(
            account,
            display_name=claims.display_name or account.display_name,
            groups=account.groups if claims.groups is None else claims.groups,
            attributes={**account.attributes, **claims.attributes},
        )
        if told == account:
            return account
        source = self._sources.get(account.source) or SourcePolicy(account.source)
        try:
            event = _event(scope, source, told, "told by source", context)
            self._directory.change_user(scope, told, event, before=account)
        except NotFoundError:
            return account
        return told

    def _subject(
        self,
        scope: TenantScope,
        account: UserRecord,
        source: SourcePolicy,
        claims: Claims,
        credential: Credential,
        now: datetime,
    ) -> Subject:
        """The account as these claims show it, with their groups and attributes if it is their source's."""
        methods = proven_methods(source, claims)
        level = assurance_level(methods)
        verified_at = claims.authenticated_at or now
        subject = subject_of(
            account,
            scope.tenant,
            credential,
            credential_id=claims.issuer,
            authenticated_at=verified_at,
            token_actions=bounded_actions(source, claims),
            methods=methods,
            assurance_level=level,
            # Without the source's word on when, it may be long ago: every request would renew it.
            second_factor_at=claims.authenticated_at if level > 1 else None,
            source=source.name,
            ceilings=self._ceilings,
            ends_at=claims.expires_at,
        )
        subject = replace(subject, token_patient=bounded_patient(claims))
        if account.source != source.name:
            return subject
        return replace(
            subject,
            groups=account.groups if claims.groups is None else claims.groups,
            attributes={**account.attributes, **claims.attributes},
        )


def _external_id(claims: Claims) -> str:
    return claims.external_id or claims.name


def _is_name(name: str) -> bool:
    """Whether an account can be called so: no name that only looks like another one.

    Nor one that would lead elsewhere in an address, where nobody who administers could lock its holder.
    """
    return (
        0 < len(name) <= LONGEST_CLAIM
        and name.isprintable()
        and not {":", "/"} & set(name)
        and name not in {".", ".."}
        and name == name.strip() == unicodedata.normalize("NFKC", name)
    )


def _event(
    scope: TenantScope, source: SourcePolicy, account: UserRecord, change: str, context: Context
) -> AuditEvent:
    actor = Actor(f"source:{source.name}", verified=True, address=context.client_address)
    return AuditEvent(
        EventKind.USER_CHANGED,
        context.now,
        actor,
        tenant=scope.tenant,
        request_id=context.request_id,
        details={"change": change, "target": account.name, "groups": " ".join(sorted(account.groups))},
    )
