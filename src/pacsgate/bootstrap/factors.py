"""Second factors, wired: what is kept of them, who adds, removes and checks them.

Called by `factor_pages`, `api` and the command line.
"""

from pacsgate.bootstrap.identity_sources import sign_in_sources
from pacsgate.bootstrap.installation import Installation
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.identity.factors.passkeys import WebAuthnPasskeys
from pacsgate.identity.factors.totp import Totp
from pacsgate.identity.lockout import Attempts
from pacsgate.services.enrol_factor import EnrolFactor
from pacsgate.services.proofs import Proofs
from pacsgate.services.prove_factor import FactorStores, ProveFactor


def factor_stores(installation: Installation) -> FactorStores:
    """What is kept of factors, and what opens it."""
    return FactorStores(installation.stores.factors, installation.stores.challenges, installation.sealer)


def enrol_factor(installation: Installation) -> EnrolFactor:
    """Factors added and removed."""
    return EnrolFactor(installation.office, factor_stores(installation), Totp(), WebAuthnPasskeys())


def prove_factor(installation: Installation) -> ProveFactor:
    """Factors proven."""
    directory = installation.stores.directory
    return ProveFactor(
        factor_stores(installation),
        LocalAccounts(directory),
        Totp(),
        WebAuthnPasskeys(),
        Attempts(directory),
        installation.trail,
        sign_in_sources(installation.settings),
    )


def proofs(installation: Installation) -> Proofs:
    """What must be proven before something is done."""
    return Proofs(installation.policies, installation.trail)
