"""Credentials of a picture archive's holders: a login with a password, API tokens, client certificates.

A login is given as a code by which its holder chooses a password; what an inactive one was is kept aside.
A token is an API token of the holder's account; an inactive one is suspended.

Called by `imaging`.

Invariants:
- nobody here ever knows a password; a token's text is told once, and it carries what units open, no more:
  whatever else its account is given later, whoever was told the text does not get;
- a password that somebody gave while the login was inactive stays: an older one does not come back;
- a credential that is made active again is the one that it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pacsgate.audit.events import EventKind
from pacsgate.model.access import AccessCredential, PacsPlace, Visit
from pacsgate.model.built_in_roles import UNIT_ACTIONS
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.ports import Directory, UserRecord
from pacsgate.ports.access import CredentialFormat, Held
from pacsgate.ports.pacs_adapters import Json
from pacsgate.services.access.image_accounts import ImageAccounts
from pacsgate.services.access.image_certificates import ImageCertificates
from pacsgate.services.administer_tokens import LONGEST_VALIDITY, TokenAdministration
from pacsgate.services.administration import Change
from pacsgate.services.reset_password import PasswordReset

LOGIN = "login"
TOKEN = "token"  # noqa: S105 - the name of a format
FORMATS: Mapping[str, CredentialFormat] = {
    each.name: each
    for each in (
        CredentialFormat(LOGIN, "a name, and a password that its holder chooses with the code in `secret`"),
        CredentialFormat(TOKEN, "an API token, told once in `secret`"),
    )
}
_GIVEN = "given"
"""The reference of a login whose password or code is in force; that of an inactive one is what it was."""


@dataclass(slots=True)
class _Told:
    """What settling comes to."""

    once: dict[str, Json] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageCredentials:
    """Makes credentials, and lets them follow what is said of them."""

    directory: Directory
    accounts: ImageAccounts
    tokens: TokenAdministration
    resets: PasswordReset
    certificates: ImageCertificates

    def formats(self) -> Mapping[str, CredentialFormat]:
        """Logins, tokens, and certificates of each authority."""
        return {**FORMATS, **self.certificates.formats()}

    def settle(
        self, change: Change, place: PacsPlace, before: Held | None, after: Held
    ) -> tuple[Mapping[str, Json], Mapping[str, str]]:
        """Bring the credentials of a holder to what is held now: what is told once, and the references."""
        told = _Told()
        stood = {} if before is None else {each.credential_id: each for each in before.credentials}
        wanted = {each.credential_id: each for each in after.credentials}
        for credential_id in stood.keys() - wanted.keys():
            self._remove(change, after, stood[credential_id])
        for credential_id, credential in wanted.items():
            if credential_id not in stood:
                self._make(change, place, after, credential, told)
            elif stood[credential_id].active is not credential.active:
                self._switch(change, place, after, credential, told)
        return told.once, told.references

    def _make(
        self, change: Change, place: PacsPlace, held: Held, credential: AccessCredential, told: _Told
    ) -> None:
        user = self.accounts.own(change, place, held.holder)
        if credential.format == LOGIN:
            self._make_login(change, place, user, held, credential, told)
        elif credential.format == TOKEN:
            self._make_token(change, user, held, credential, told)
        else:
            _refuse_times(credential)
            if credential.active:
                self.certificates.link(change, user.name, credential)

    def _make_login(
        self,
        change: Change,
        place: PacsPlace,
        user: UserRecord,
        held: Held,
        credential: AccessCredential,
        told: _Told,
    ) -> None:
        if sum(each.format == LOGIN for each in held.credentials) > 1:
            raise ConflictError("a holder has one login: activate it, or remove it first")
        _refuse_times(credential)
        if credential.active:
            self._invite(change, place, user.name, credential, told)

    def _invite(
        self, change: Change, place: PacsPlace, name: str, credential: AccessCredential, told: _Told
    ) -> None:
        code = self.resets.give(change, name, but_units_of=place.pacs)
        told.references[credential.credential_id] = _GIVEN
        told.once |= _secret(name, code.code, code.expires_at)

    def _make_token(
        self, change: Change, user: UserRecord, held: Held, credential: AccessCredential, told: _Told
    ) -> None:
        if credential.valid_from is not None and credential.valid_from > change.at:
            raise RequestError("a token is valid from the moment it is made: leave out `validFrom`")
        ends = [change.at + LONGEST_VALIDITY, credential.valid_to, held.holder.valid_to]
        expires_at = min(each for each in ends if each is not None)
        if isinstance(held.holder, Visit) and expires_at <= held.holder.valid_from:
            raise ConflictError("a token that is made now ends before the visit begins: make it later")
        label = f"{held.holder.key} {credential.credential_id}"[:100]
        issued = self.tokens.issue(
            change, user.name, label=label, expires_at=expires_at, actions=UNIT_ACTIONS
        )
        if not credential.active:
            self._suspend(change, user.name, issued.record.token_id, suspended=True)
        told.references[credential.credential_id] = issued.record.token_id
        told.once |= _secret(user.name, issued.text, issued.record.expires_at)

    def _switch(
        self, change: Change, place: PacsPlace, held: Held, credential: AccessCredential, told: _Told
    ) -> None:
        name = held.holder.account
        if credential.format == TOKEN:
            if credential.active:
                self.accounts.own(change, place, held.holder)
            self._suspend(change, name, credential.reference, suspended=not credential.active)
            return
        user = self.directory.user(change.scope, name)
        if user is None:
            return
        if credential.format != LOGIN:
            if credential.active:
                self.certificates.link(change, self.accounts.own(change, place, held.holder).name, credential)
            else:
                self.certificates.unlink(change, name, credential)
            return
        if not credential.active:
            told.references[credential.credential_id] = user.password_hash or ""
            self._change_password(change, user, None, "login deactivated")
            return
        user = self.accounts.own(change, place, held.holder)
        if not credential.reference:
            self._invite(change, place, name, credential, told)
            return
        told.references[credential.credential_id] = _GIVEN
        if user.password_hash is None:
            self._change_password(change, user, credential.reference, "login activated")

    def _remove(self, change: Change, held: Held, credential: AccessCredential) -> None:
        name = held.holder.account
        user = self.directory.user(change.scope, name)
        if user is None:
            return
        if credential.format == LOGIN:
            self._change_password(change, user, None, "login removed")
        elif credential.format != TOKEN:
            self.certificates.unlink(change, name, credential)
        elif any(
            token.token_id == credential.reference and token.revoked_at is None
            for token in self.directory.tokens(change.scope, name)
        ):
            self.tokens.revoke(change, credential.reference)

    def _suspend(self, change: Change, name: str, token_id: str, *, suspended: bool) -> None:
        word = "token suspended" if suspended else "token resumed"
        event = change.event(EventKind.USER_CHANGED, word, name, token=token_id)
        self.directory.suspend_token(change.scope, token_id, event, suspended=suspended)

    def _change_password(self, change: Change, user: UserRecord, hashed: str | None, word: str) -> None:
        event = change.event(EventKind.USER_CHANGED, word, user.name)
        self.directory.change_user(change.scope, replace(user, password_hash=hashed), event, before=user)
        self.directory.end_sessions_of(change.scope, user.name)


def _refuse_times(credential: AccessCredential) -> None:
    if credential.valid_from is not None or credential.valid_to is not None:
        raise RequestError(f"a `{credential.format}` is valid as long as its holder is: leave out its times")


def _secret(account: str, text: str, expires_at: datetime) -> dict[str, Json]:
    return {"account": account, "secret": text, "secretExpiresAt": expires_at.isoformat()}
