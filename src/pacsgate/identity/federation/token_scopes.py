"""OAuth scopes as an upper bound: which image actions a token may be used for at most.

A scope never gives anything; what policy and grants give is cut down to what some scope of the token
names.  A scope that narrows its resource type further (`?modality=CT`) cannot be held here, and so gives
nothing, like every scope that is not known.  `patient/` scopes are bound to the patient that the token was
issued about, and give nothing without one.

Called by `bearer_door` and `pacsgate.identity.associations.by_assertion`.

Standard: SMART App Launch 2.2 (scopes); IHE ITI IUA (ITI-72), where transactions of IHE Radiology are scopes.
"""

import re
from collections.abc import Mapping

from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.model.actions import Action
from pacsgate.ports.assertions import Claims

_SMART = re.compile(r"(patient|user|system)/(ImagingStudy|\*)\.(read|write|\*|c?r?u?d?s?)")
_OF_OLD: Mapping[str, str] = {"read": "rs", "write": "cud", "*": "cruds"}
"""Version 1 of SMART in the letters of version 2."""
_OF_LETTER: Mapping[str, frozenset[Action]] = {
    "c": frozenset({Action.STORE, Action.APPEND, Action.ANNOTATE}),
    "r": frozenset({Action.VIEW, Action.RETRIEVE}),
    "u": frozenset({Action.UPDATE}),
    "d": frozenset({Action.DELETE}),
    "s": frozenset({Action.SEARCH}),
}
_OF_TRANSACTION: Mapping[str, frozenset[Action]] = {
    "RAD-55": frozenset({Action.VIEW, Action.RETRIEVE}),
    "RAD-107": frozenset({Action.VIEW, Action.RETRIEVE}),
    "RAD-108": frozenset({Action.STORE, Action.APPEND, Action.ANNOTATE}),
    "RAD-129": frozenset({Action.SEARCH}),
}
"""WADO-URI, WADO-RS, STOW-RS and QIDO-RS."""


def bounded_actions(source: SourcePolicy, claims: Claims) -> frozenset[Action] | None:
    """The actions that a token may be used for at most; `None` if its scopes say nothing about images.

    Those of a token with `patient/` scopes hold for one patient: see `bounded_patient`.
    """
    scopes = claims.scopes or frozenset()
    spoken = [actions for scope in scopes if (actions := _actions(scope, claims)) is not None]
    if not spoken and not source.scopes_bound:
        return None
    return frozenset().union(*spoken)


def bounded_patient(claims: Claims) -> str | None:
    """The patient for whom alone a token holds; one `patient/` scope binds all of it."""
    if not any(scope.startswith("patient/") for scope in claims.scopes or ()):
        return None
    about = claims.context.get("patient", frozenset())
    return next((str(patient) for patient in about), None)


def _actions(scope: str, claims: Claims) -> frozenset[Action] | None:
    """What one scope names; `None` if it is none about images, nothing if it cannot be held."""
    if scope in _OF_TRANSACTION:
        return _OF_TRANSACTION[scope]
    if re.match(r"(patient|user|system)/", scope) is None:
        return None
    found = _SMART.fullmatch(scope)
    if found is None or (found[1] == "patient" and not claims.context.get("patient")):
        return frozenset()
    letters = _OF_OLD.get(found[3], found[3])
    return frozenset().union(*(_OF_LETTER[letter] for letter in letters))
