"""What somebody has for good: the same without what ends by itself.

What one has for a day is not one's own to give away, nor a reason to undo who has it for good.

Called by whatever lets people pass on what they have.
"""

from dataclasses import replace

from pacsgate.model.subject import Subject
from pacsgate.policy.policy import Policy


def lasting_subject(subject: Subject) -> Subject:
    """The subject with those of its assignments that have no end."""
    return replace(subject, assignments=tuple(given for given in subject.assignments if given.until is None))


def lasting_policy(policy: Policy) -> Policy:
    """The policy with those of its assignments that have no end."""
    assigned = tuple(given for given in policy.assignments if given.assignment.until is None)
    return policy if assigned == policy.assignments else replace(policy, assignments=assigned)
