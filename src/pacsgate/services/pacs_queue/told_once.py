"""Secrets in results, which are told once: until then they are kept sealed.

A new token or reset code waits in the database for whoever asked for it; a copy of the database is worth
nothing to whoever looks for one.

Called by `hand_over`, which keeps results, and by `results`, which tells them.

Invariants:
- a secret is sealed for its own message: in another's result it does not open.

Standard: OWASP ASVS 5.0 11.4, 14.2.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace

from pacsgate.ports.factors import Sealer
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import Message
from pacsgate.protocols.strict_json import read_strict_json, write_json

SECRET = "secret"  # noqa: S105 - the name of a member
"""Member of a result's body that is told once."""
_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class ToldOnce:
    """Seals and opens."""

    sealer: Sealer

    def sealed(self, message: Message, outcome: Outcome) -> Outcome:
        """The outcome as it is kept."""
        body = outcome.body
        if not has_secret(outcome) or not isinstance(body, dict):
            return outcome
        kept = self.sealer.seal(write_json(body[SECRET]), _purpose(message))
        return replace(outcome, body={**body, SECRET: b64encode(kept).decode()})

    def opened(self, message: Message, outcome: Outcome) -> Outcome:
        """The outcome as it was."""
        body = outcome.body
        if not has_secret(outcome) or not isinstance(body, dict):
            return outcome
        told = self.sealer.open(b64decode(body[SECRET]), _purpose(message))
        return replace(outcome, body={**body, SECRET: read_strict_json(told, at_most=_LONGEST)})


def has_secret(outcome: Outcome) -> bool:
    """Whether something in it is told once."""
    return isinstance(outcome.body, dict) and SECRET in outcome.body


def _purpose(message: Message) -> str:
    return f"result:{message.command.tenant}:{message.command.message_id}"
