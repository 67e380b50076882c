"""The `obligations` of a permit: what the gate must do when it allows.

```yaml
obligations:
  mask: [PatientName, PatientBirthDate]      # or {all_but: [PatientID, StudyDate]}
  reason-required: true
  step-up: {level: 2, within: 5 min}         # or true, which is that
```

`mask` is carried out on every door; `reason-required: true` holds a permit back from requests
that give no reason, and `step-up` from people who have not proven themselves so strongly, or too
long ago.  The other obligation is part of the language already; a
permit that has it allows nothing until the gate can carry it out, because what cannot
be done must not be promised.

Called by the rules section.

Invariants:
- a mask never hides what holds the hierarchy together, also not by `all_but`.
"""

from dataclasses import dataclass
from datetime import timedelta

from pydicom.datadict import keyword_dict, tag_for_keyword

from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.strength import Strength
from pacsgate.policy.language.authentication import read_strength
from pacsgate.policy.language.fields import fields, items, text, texts, truth
from pacsgate.policy.language.problems import Problems, did_you_mean, quoted
from pacsgate.policy.language.yaml_text import ListNode, MapNode, Node

STRUCTURAL = frozenset(
    {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "SpecificCharacterSet"}
)
"""Without these an answer cannot be used or read at all."""

UNSUPPORTED = ("deidentify",)
_STEP_UP = "step-up"
_USUAL = Strength(2, timedelta(minutes=5))
"""What `step-up: true` asks for."""
_REASON = "reason-required"


@dataclass(frozen=True, slots=True)
class Obligations:
    """What one permit demands; `unsupported` are names, with their argument if they have one."""

    mask: Mask = NO_MASK
    unsupported: tuple[str, ...] = ()
    needs_reason: bool = False
    step_up: Strength | None = None


def read_obligations(node: Node, problems: Problems) -> Obligations:
    """The obligations of one permit."""
    given = fields(node, "`obligations`", ("mask", _REASON, _STEP_UP, *UNSUPPORTED), problems)
    unsupported = []
    for name in UNSUPPORTED:
        if name in given:
            argument = text(given[name], f"`{name}`", problems)
            unsupported.append(name if argument == "true" else f"{name}:{argument}")
    mask = _mask(given["mask"], problems) if "mask" in given else NO_MASK
    needs_reason = _REASON in given and truth(given[_REASON], f"`{_REASON}`", problems)
    step_up = _step_up(given[_STEP_UP], problems) if _STEP_UP in given else None
    return Obligations(mask, tuple(unsupported), needs_reason, step_up)


def _step_up(node: Node, problems: Problems) -> Strength | None:
    if isinstance(node, MapNode):
        return read_strength(fields(node, "`step-up`", ("level", "within"), problems), problems)
    return _USUAL if truth(node, "`step-up`", problems) else None


def _mask(node: Node, problems: Problems) -> Mask:
    if not isinstance(node, ListNode):
        given = fields(node, "`mask`", ("all_but",), problems, required=("all_but",))
        shown = _keywords(given["all_but"], "`all_but`", problems) if "all_but" in given else frozenset()
        return Mask(shown | STRUCTURAL, all_but=True)
    if not items(node, "`mask`", problems):
        problems.add(node.position, "`mask` hides nothing", "leave it out, or name what it hides")
    hidden = _keywords(node, "`mask`", problems)
    for keyword, item in texts(node, "`mask`", Problems()):
        if keyword in STRUCTURAL:
            problems.add(item.position, f"`{keyword}` cannot be masked: without it no answer can be read")
    return Mask(hidden)


def _keywords(node: Node, what: str, problems: Problems) -> frozenset[str]:
    found = set()
    for keyword, item in texts(node, what, problems):
        if tag_for_keyword(keyword) is None:
            hint = did_you_mean(keyword, keyword_dict)
            problems.add(item.position, f"no DICOM attribute has the keyword {quoted(keyword)}", hint)
        found.add(keyword)
    return frozenset(found)
