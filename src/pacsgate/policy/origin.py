"""What the gate itself witnesses of a study when it stores it, as facts that no object can overrule.

Called by `pacsgate.services`.
"""

from pacsgate.model.context import Context
from pacsgate.model.subject import Attributes
from pacsgate.policy.ir import CALLED_AE_TITLE, CALLING_AE_TITLE, INGEST_PRINCIPAL


def origin_facts(ingest_principal: str, context: Context | None = None) -> Attributes:
    """Who stored a study, and over which association if over one; what was not there is missing."""
    witnessed = {
        INGEST_PRINCIPAL.name: ingest_principal,
        CALLING_AE_TITLE.name: None if context is None else context.calling_ae_title,
        CALLED_AE_TITLE.name: None if context is None else context.called_ae_title,
    }
    return {name: frozenset({value}) if value else frozenset() for name, value in witnessed.items()}
