"""What a decision may know about a resource, apart from who asks and when.

Built by the index from what it holds; read by `truth`.
"""

from dataclasses import dataclass, field

from pacsgate.model.subject import Attributes


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """The attributes of one study, or of one series inside it.

    `series` is `None` when the question is about the study as such.  Names are
    without their scope prefix and include the key attributes (`uid`,
    `patient_id`).  A scalar attribute that is absent, or holds the empty set of
    values, is missing; a set attribute is missing only when absent.
    """

    study: Attributes = field(default_factory=dict)
    series: Attributes | None = None
