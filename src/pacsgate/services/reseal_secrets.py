"""After the sealing key was replaced: every secret in the database is sealed under the new one.

Called by `pacsgate secrets rotate`; running gates go on meanwhile, for the key before opens too.

Invariants:
- a secret that cannot be opened stays as it is, and is counted.
"""

from dataclasses import dataclass

from pacsgate.model.errors import SealError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.factors import FactorKind
from pacsgate.services.prove_factor import FactorStores, totp_purpose


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets are sealed anew, and how many of them nobody can open any more."""

    sealed: int
    lost: int


def reseal_secrets(stores: FactorStores, scope: TenantScope) -> Resealed:
    """Seal every seed of an authenticator app under the key that is the newest now."""
    sealed = lost = 0
    for factor in stores.factors.factors_of_kind(scope, FactorKind.TOTP):
        purpose = totp_purpose(scope, factor.user, factor.factor_id)
        try:
            secret = stores.sealer.seal(stores.sealer.open(factor.secret, purpose), purpose)
        except SealError:
            lost += 1
            continue
        sealed += stores.factors.reseal(scope, factor.factor_id, was=factor.secret, secret=secret)
    return Resealed(sealed, lost)
