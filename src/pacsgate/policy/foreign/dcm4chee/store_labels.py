"""Which labels a study gets when it is stored, as dcm4chee 5's store access control id rules say.

Kept as a YAML file of our own, which the import writes and the configuration names
(`dcm4chee.store_labels`):

```yaml
rules:
  - {name: ct-of-clinic, labels: [CLINIC], when: [Modality=CT, SendingApplicationEntityTitle=CT1]}
  - {name: screening, called: SCREEN, labels: [SCREENING], priority: 10}
defaults:
  ARCHIVE: [GENERAL]
```

The rules of the AE title that was called and those of no AE title are asked together, the highest
priority first and in the order of their names where it is the same (dcm4chee leaves that open); the first
whose conditions all hold gives its labels.  If none does, the default of the AE title called gives them.
Labels are added to what the study has, never taken away.

Called by `pacsgate.services.store_labels`; written by the import.

Standard: none; `StoreServiceEJB` of dcm4chee-arc-light 5.34.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pacsgate.model.errors import RequestError
from pacsgate.policy.foreign.dcm4chee.conditions import Condition, Observed, read_condition
from pacsgate.policy.foreign.native_text import double_quoted
from pacsgate.policy.language.fields import entries, fields, items, text, texts
from pacsgate.policy.language.problems import Problems
from pacsgate.policy.language.yaml_text import Node, TextNode, parse_yaml

_RULES = 1000
_FIELDS = ("name", "labels", "when", "called", "priority")


@dataclass(frozen=True, slots=True)
class StoreLabelRule:
    """Labels for what is stored to an AE title (`None`: to any) and of which every condition holds."""

    name: str
    labels: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    called: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class StoreLabels:
    """All rules, and by AE title what is given where none fits."""

    rules: tuple[StoreLabelRule, ...] = ()
    defaults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def labels_for(self, observed: Observed) -> tuple[str, ...]:
        """The labels of a study of which this was stored."""
        asked = [rule for rule in self.rules if rule.called in {None, observed.receiving}]
        for rule in sorted(asked, key=lambda rule: (-rule.priority, rule.name)):
            if all(condition.holds(observed) for condition in rule.conditions):
                return rule.labels
        return self.defaults.get(observed.receiving or "", ())


def read_store_labels(file: str, source: str) -> StoreLabels:
    """Read the file.  Raises `PolicyError` with every problem."""
    problems = Problems()
    node = parse_yaml(file, source, problems)
    problems.raise_if_any()
    given = {} if node is None else fields(node, "store labels", ("rules", "defaults"), problems)
    rules = tuple(_rules(given["rules"], problems)) if "rules" in given else ()
    defaults = (
        {
            key.text: tuple(label for label, _ in texts(value, "a default", problems))
            for key, value in entries(given["defaults"], "`defaults`", problems)
        }
        if "defaults" in given
        else {}
    )
    problems.raise_if_any()
    return StoreLabels(rules, defaults)


def _rules(node: Node, problems: Problems) -> Iterable[StoreLabelRule]:
    for item in items(node, "`rules`", problems, most=_RULES):
        given = fields(item, "a rule", _FIELDS, problems, required=("name", "labels"))
        if "name" not in given or "labels" not in given:
            continue
        yield StoreLabelRule(
            name=text(given["name"], "`name`", problems) or "",
            labels=tuple(label for label, _ in texts(given["labels"], "`labels`", problems)),
            conditions=tuple(_conditions(given["when"], problems)) if "when" in given else (),
            called=text(given["called"], "`called`", problems) if "called" in given else None,
            priority=_priority(given["priority"], problems) if "priority" in given else 0,
        )


def _conditions(node: Node, problems: Problems) -> Iterable[Condition]:
    for written, item in texts(node, "`when`", problems):
        try:
            yield read_condition(written)
        except RequestError as refused:
            problems.add(item.position, refused.public)


def _priority(node: Node, problems: Problems) -> int:
    written = node.text if isinstance(node, TextNode) else ""
    if not written.removeprefix("-").isdecimal():
        problems.add(node.position, "`priority` is a whole number")
        return 0
    return int(written)


def store_labels_text(labels: StoreLabels) -> str:
    """The file that says this."""
    lines = ["# Imported from the LDIF of a dcm4chee 5.", "rules:" if labels.rules else "rules: []"]
    for rule in labels.rules:
        lines.append(f"  - name: {double_quoted(rule.name)}")
        lines.append(f"    labels: {_list(rule.labels)}")
        if rule.conditions:
            lines.append(f"    when: {_list(condition.text for condition in rule.conditions)}")
        if rule.called is not None:
            lines.append(f"    called: {double_quoted(rule.called)}")
        if rule.priority:
            lines.append(f"    priority: {rule.priority}")
    lines.append("defaults:" if labels.defaults else "defaults: {}")
    lines += [f"  {double_quoted(title)}: {_list(given)}" for title, given in sorted(labels.defaults.items())]
    return "\n".join(lines) + "\n"


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(double_quoted, texts))}]"
