"""The `labels` section: what is written in an object becomes a label of its study.

```yaml
labels:
  - {label: NEURO, from: StudyDescription, like: ['*BRAIN*', '*HEAD*']}
```

What scanners and people type differs in case, so here case does not count.

Such labels are kept apart from those that people give a study, so that neither
loses the other; a condition on `study.labels` means both.

Called by `pacsgate.policy.document`.
"""

from collections.abc import Iterator
from dataclasses import replace

from pacsgate.policy.ir import DERIVED_LABELS, LABELS, And, Attribute, Contains, Formula, Not, Or
from pacsgate.policy.language.attributes import element_path
from pacsgate.policy.language.fields import fields, items, text, texts
from pacsgate.policy.language.limits import LABEL_PATTERNS, PATTERN_LENGTH
from pacsgate.policy.language.problems import Problems
from pacsgate.policy.language.yaml_text import Node
from pacsgate.policy.policy import LabelPattern

_FIELDS = ("label", "from", "like")


def read_labels(node: Node, problems: Problems) -> Iterator[LabelPattern]:
    """One value for each item."""
    for item in items(node, "`labels`", problems, most=LABEL_PATTERNS):
        given = fields(item, "a label", _FIELDS, problems, required=_FIELDS)
        if any(field not in given for field in _FIELDS):
            continue
        label = text(given["label"], "`label`", problems)
        path = element_path(given["from"], "`from`", problems)
        patterns = []
        for pattern, written in texts(given["like"], "`like`", problems):
            if len(pattern) > PATTERN_LENGTH:
                problems.add(written.position, f"the pattern is longer than {PATTERN_LENGTH} characters")
            patterns.append(pattern)
        if label is not None:
            yield LabelPattern(label, path, tuple(patterns), item.position.place)


def with_derived_labels(formula: Formula, labels: frozenset[str]) -> Formula:
    """A condition in which `study.labels` means derived labels too; `labels` are all that are derived."""
    match formula:
        case Not(inner):
            return Not(with_derived_labels(inner, labels))
        case And(formulas):
            return And(tuple(with_derived_labels(part, labels) for part in formulas))
        case Or(formulas):
            return Or(tuple(with_derived_labels(part, labels) for part in formulas))
        case Contains(attribute, element) if attribute == LABELS:
            is_derived = isinstance(element, Attribute) or element in labels
            return Or((formula, replace(formula, attribute=DERIVED_LABELS))) if is_derived else formula
        case _:
            return formula
