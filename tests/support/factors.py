"""Second factors over a small installation, with its real sealer and its real codes."""

from dataclasses import dataclass
from pathlib import Path

import pyotp

from pacsgate.identity.accounts import LocalAccounts
from pacsgate.identity.factors.passkeys import WebAuthnPasskeys
from pacsgate.identity.factors.totp import Totp
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.sealing import FileSealer, add_sealing_key
from pacsgate.model.subject import Subject
from pacsgate.ports.factor_proofs import Site
from pacsgate.services.enrol_factor import AppOffer, EnrolFactor, Enrolled
from pacsgate.services.prove_factor import FactorStores, ProveFactor
from pacsgate.stores.stores import Stores
from tests.support.authenticator import SoftAuthenticator
from tests.support.people import PASSWORD, People

IDP = "idp"
"""A source at which people sign in."""
SITE = Site("gate.example", "https://gate.example")


@dataclass
class FactorDesk:
    """Enrols and proves."""

    people: People
    stores: Stores
    key_file: Path

    def __post_init__(self) -> None:
        add_sealing_key(self.key_file)
        self.kept = FactorStores(self.stores.factors, self.stores.challenges, FileSealer(self.key_file))
        self.enrol = EnrolFactor(self.people.office, self.kept, Totp(), WebAuthnPasskeys())
        self.prove = self.new_process()

    def new_process(self) -> ProveFactor:
        """Another process of the same gate."""
        directory = self.people.directory
        return ProveFactor(
            FactorStores(self.stores.factors, self.stores.challenges, FileSealer(self.key_file)),
            LocalAccounts(directory),
            Totp(),
            WebAuthnPasskeys(),
            Attempts(directory),
            self.people.trail,
            frozenset({IDP}),
        )

    def add_app(self, user: str = "rad1") -> tuple["App", Enrolled]:
        """An authenticator app, confirmed a minute ago."""
        offer = self.enrol.offer_app(self.people.change(), user)
        app = App(self.people, offer)
        enrolled = self.enrol.confirm_app(self.people.change(), user, offer.number, app.code(), "phone")
        assert isinstance(enrolled, Enrolled)
        self.people.clock.advance(seconds=60)
        return app, enrolled

    def add_key(self, user: str = "rad1", source: str = "", **otherwise: bool) -> SoftAuthenticator:
        """A security key or passkey, made in a session that this source began."""
        key = SoftAuthenticator(SITE.origin, SITE.rp_id, **otherwise)
        asked = self.enrol.offer_passkey(self.people.change(), user, SITE)
        self.enrol.confirm_passkey(
            self.people.change(),
            user,
            SITE,
            asked.number,
            key.make(asked.options),
            "blue key",
            source=source,
        )
        return key

    def by_password(self, user: str = "rad1") -> Subject:
        """Whoever has just given a password."""
        found = self.people.authenticator.password_door.sign_in(user, PASSWORD, self.people.context())
        assert isinstance(found, Subject)
        return found


@dataclass
class App:
    """Somebody's phone, whose clock is the gate's own."""

    people: People
    offer: AppOffer

    def code(self, *, steps: int = 0) -> str:
        """What it shows so many steps from now."""
        at = self.people.clock.now().timestamp() + 30 * steps
        code: str = pyotp.parse_uri(self.offer.uri).at(at)  # type: ignore[union-attr] - TOTP, by its URI
        return code
