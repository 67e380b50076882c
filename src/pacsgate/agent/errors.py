"""What can go wrong between an agent and the gate: only whether to try again matters."""

from pacsgate.model.errors import PacsgateError


class GateUnavailableError(PacsgateError):
    """The gate could not be asked, or cannot serve now: try again."""


class RefusedError(PacsgateError):
    """The gate has understood, and will never take this: do not try again."""
