"""Inputs of a form: what each is called and takes, what stands in it, and what is wrong with it.

An input has the name of the member of the body that it becomes.  An error names members too, and so finds its
input again; the values of extension fields stand under names of their own.

Called by the modules of forms.

Invariants:
- what was typed is shown again as it was typed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType

from pacsgate.admin.console.admin.desk import instant
from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.tenancy.desk import Turn
from pacsgate.model.extension_fields import ExtensionFields, FieldType

FIELD = "field."
"""What the names of extension fields' inputs begin with."""
_WAS, _SHOWN = "was.", "shown."
_EXTENSION = re.compile(r"extension field `|`extensionFields\.")
_NAMED = re.compile(r"`(?:extensionFields\.)?([^`]+)`")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_TYPES: Mapping[FieldType, str] = {FieldType.DATE: "date", FieldType.INTEGER: "number"}
_YES_OR_NO = (("", "not said"), ("true", "yes"), ("false", "no"))


@dataclass(frozen=True, slots=True)
class Input:
    """One input; with `options`, pairs of value and label, one is chosen."""

    name: str
    label: str
    type: str = "text"
    hint: str = ""
    required: bool = False
    is_fixed: bool = False
    options: tuple[tuple[str, str], ...] = ()
    value: str = ""
    exact: str = ""
    """An instant with all its digits, of which the input began with the minute, `shown`."""
    shown: str = ""
    problem: str = ""
    attributes: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def hidden(self) -> Mapping[str, str]:
        """What is sent beside it, so that a moment that nobody touched stays exactly what it was."""
        return {f"{_WAS}{self.name}": self.exact, f"{_SHOWN}{self.name}": self.shown} if self.exact else {}


@dataclass(frozen=True, slots=True)
class Filled:
    """The inputs of a form as it is shown, and what was wrong with it as a whole."""

    inputs: tuple[Input, ...]
    problem: str


def at(name: str, label: str, *, hint: str = "", required: bool = False) -> Input:
    """An input for an instant."""
    return Input(name, f"{label} (UTC)", "datetime-local", hint, required)


def with_instant(given: Input, when: str | None) -> Input:
    """With an instant of a PACS's answer in it."""
    if when is None:
        return given
    minute = f"{datetime.fromisoformat(when).astimezone(UTC):%Y-%m-%dT%H:%M}"
    return replace(given, value=minute, exact=when, shown=minute)


def extension_inputs(fields: ExtensionFields, values: Mapping[str, object]) -> tuple[Input, ...]:
    """One input for each extension field of a tenant."""
    return tuple(
        Input(
            f"{FIELD}{name}",
            each.description or name,
            _TYPES.get(each.type, "text"),
            required=each.required,
            options=_YES_OR_NO if each.type is FieldType.BOOLEAN else (),
            value=_text(values.get(name)),
        )
        for name, each in sorted(fields.items())
    )


def filled_in(inputs: Iterable[Input], turn: Turn) -> Filled:
    """The inputs with what was typed, where a form was just refused, and why."""
    form, given = turn.refused, tuple(inputs)
    if form is None:
        return Filled(given, turn.problem)
    typed = tuple(
        replace(
            each,
            value=form[each.name],
            exact=form[f"{_WAS}{each.name}"],
            shown=form[f"{_SHOWN}{each.name}"],
        )
        for each in given
    )
    clauses = [(clause, _meant(clause, typed)) for clause in turn.problem.split("; ")]
    # The first clause about an input counts, so it is the last to be put in.
    problems = {each.name: _in_words(clause, typed) for clause, each in reversed(clauses) if each}
    marked = tuple(replace(each, problem=problems.get(each.name, "")) for each in typed)
    return Filled(marked, _in_words(turn.problem, typed))


def instant_text(form: Form, name: str) -> str | None:
    """An instant of a form as a body has it; `None` where it is left empty.  Raises `RequestError`."""
    was = form[f"{_WAS}{name}"]
    if was and form[name] == form[f"{_SHOWN}{name}"]:
        return was
    when = instant(form, name)
    return None if when is None else when.isoformat()


def extension_values(form: Form, fields: ExtensionFields) -> dict[str, str | int | bool]:
    """What was filled in, as the field's type has it; what was left empty is not there.

    What does not fit its type stays text, and is refused by whoever checks values.
    """
    typed = {name: (each.type, form[f"{FIELD}{name}"].strip()) for name, each in fields.items()}
    return {name: _value(kind, text) for name, (kind, text) in typed.items() if text}


def _value(kind: FieldType, text: str) -> str | int | bool:
    if kind is FieldType.INTEGER and _INTEGER.fullmatch(text):
        return int(text)
    if kind is FieldType.BOOLEAN:
        return {"true": True, "false": False}.get(text, text)
    return text


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meant(clause: str, inputs: Iterable[Input]) -> Input | None:
    """The input that a clause of an error is about: it names the member, or what was typed."""
    prefix = FIELD if _EXTENSION.search(clause) else ""
    for name in _NAMED.findall(clause):
        for each in inputs:
            if each.name == f"{prefix}{name}" or (each.value and each.value == name):
                return each
    return None


def _in_words(told: str, inputs: Iterable[Input]) -> str:
    """An error in which inputs are called what people see beside them."""
    prefix = FIELD if _EXTENSION.search(told) else ""
    labels = {each.name.removeprefix(prefix): each.label for each in inputs if each.name.startswith(prefix)}
    return _NAMED.sub(lambda found: f"`{labels.get(found[1], found[1])}`", told)
