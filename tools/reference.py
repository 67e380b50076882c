"""Writes the pages whose lists code holds: `docs/reference/`, and permissions, conformance and acceptance.

Usage: `python -m tools.reference [--check] [PAGE…]`.  With `--check` nothing is written; a page that differs
from what the code says is named, and the exit status is 1.

Called by `make docs`, `make lint` and `tests/house`.
"""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.core import TyperCommand, TyperGroup

from pacsgate import config
from pacsgate.audit.events import EventKind
from pacsgate.cli.main import app
from pacsgate.config.base import Section
from pacsgate.model.actions import ALL_ACTIONS, Action
from pacsgate.model.decision import ReasonCode
from pacsgate.model.spans import span_text
from pacsgate.protocols.dicomweb.routes import ROUTES, ActionsNeeded
from pacsgate.protocols.orthanc.routes import Handler, Needs
from pacsgate.protocols.orthanc.table import ROUTES as ORTHANC_ROUTES
from tools import acceptance, permission_guards
from tools.conformance import TITLE, conformance
from tools.members import described, docstrings_below
from tools.tables import code, table

PAGES = Path(__file__).resolve().parent.parent / "docs" / "reference"
_MADE = "<!-- Made from the code by `make docs`; change the code instead. -->"


def _rows(enumeration: type[Enum]) -> Iterator[tuple[str, ...]]:
    return ((code(value), text) for value, text in described(enumeration))


def actions() -> str:
    """What one can do to images.  Every route and every rule uses these words and no others."""
    return table(("action", "what it covers"), *_rows(Action))


def reasons() -> str:
    """Why a decision came out as it did.

    The trail holds these codes; `pacsgate policy explain` says more about one decision.
    """
    return table(("reason", "what it means"), *_rows(ReasonCode))


def audit_events() -> str:
    """What is recorded, with the codes of DICOM PS3.15 A.5 and PS3.16 CID 400 and 401."""
    rows = (
        (
            code(kind.name),
            f"{kind.event_id.value} {kind.event_id.meaning}",
            f"{kind.event_type.value} {kind.event_type.meaning}" if kind.event_type else "",
            f"{kind.action.value} ({kind.action.name.lower()})",
            kind.value.emitted,
        )
        for kind in EventKind
    )
    return table(("kind", "event id", "event type", "action", "emitted when"), *rows)


def _needed(needs: ActionsNeeded) -> str:
    if needs == ActionsNeeded(any_of=ALL_ACTIONS):
        return "any action"
    every = " and ".join(code(action) for action in sorted(needs.all_of))
    some = "one of " + ", ".join(code(action) for action in sorted(needs.any_of))
    return every if not needs.any_of else some if not needs.all_of else f"{every} and {some}"


def routes() -> str:
    """Every resource below `/dicom-web` and what one must be allowed to do; anything else is denied.

    A study or series asked for as a zip needs `export` as well, and WADO-URI asked for `application/dicom`
    needs `retrieve`.  A route that is answered 501 is authorised first, like any other.  Sections are those
    of PS3.18.
    """
    rows = (
        (
            code(route.route_id),
            route.method,
            code(route.template),
            _needed(route.needs),
            "yes" if route.implemented else "501",
            route.standard,
        )
        for route in ROUTES
    )
    return table(("route", "method", "path", "needs", "served", "section"), *rows)


def _needed_in_orthanc(needs: Needs) -> str:
    actions = _needed(ActionsNeeded(needs.actions, needs.any_of)) if needs.actions or needs.any_of else ""
    permissions = [code(permission) for permission in sorted(needs.permissions)]
    return " or ".join(filter(None, (actions, *permissions)))


def orthanc_routes() -> str:
    """Every operation of Orthanc's REST API that the gate knows, and what one must be allowed to do.

    Anything else is denied.  Actions are asked of every resource that the path, the query string or the body
    names; a permission will do instead of the actions where both stand.  A row with a version later than 1.10
    was not seen running with this gate.  `/dicom-web/studies` and what is beside it is DICOMweb's own.
    """
    rows = (
        (
            code(route.route_id),
            route.method,
            code(route.template),
            _needed_in_orthanc(route.needs),
            "no: " + route.note if route.handler is Handler.DENIED else "yes",
            route.since,
        )
        for route in ORTHANC_ROUTES
    )
    return table(("route", "method", "path", "needs", "served", "since"), *rows)


def _type_name(annotation: object) -> str:
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type_name(arguments[0])
    if origin in {typing.Union, types.UnionType}:
        names = (_type_name(argument) for argument in arguments if argument is not type(None))
        return " or ".join(dict.fromkeys(names))
    if origin is typing.Literal:
        return " or ".join(code(str(argument)) for argument in arguments)
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}"
    if origin is dict:
        return f"mapping of {_type_name(arguments[0])} to {_type_name(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(code(str(member.value)) for member in annotation)
    plain = {
        "str": "text",
        "int": "integer",
        "float": "number",
        "bool": "true or false",
        "Path": "path",
        "timedelta": "span (`15 min`, `12 h`)",
    }
    name = getattr(annotation, "__name__", str(annotation))
    if name.endswith("Settings"):
        return f"[{name}](#{name.lower()})"
    return plain.get(name, name.removeprefix("IPv4").removeprefix("IPv6").lower())


def _default(value: object) -> str:
    match value:
        case None | () | []:
            return ""
        case bool():
            return code(str(value).lower())
        case str() | int() | float():
            return code(str(value))
        case timedelta():
            return code(span_text(value))
        case _:
            return "see there"


def _settings(model: type[BaseModel]) -> str:
    # What a section inherits, it says where it is written.
    sections = [each for each in reversed(model.__mro__) if issubclass(each, Section)]
    texts = {name: text for each in sections for name, text in docstrings_below(each).items()}
    rows = []
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _default(field.default)
        if field.default is PydanticUndefined and not field.is_required():
            default = ""
        rows.append((code(name), _type_name(field.annotation), default, texts.get(name, "")))
    about = inspect.cleandoc(model.__doc__ or "")
    return f"## {model.__name__}\n\n{about}\n\n" + table(("key", "value", "default", "what it does"), *rows)


def configuration() -> str:
    """The keys of `pacsgate.yaml`, from the top.

    Paths are relative to the file; an unknown key is an error.  `pacsgate config check FILE` finds every
    problem with its place.
    """
    models = [
        model
        for name, model in vars(config).items()
        if inspect.isclass(model)
        and issubclass(model, BaseModel)
        and name.endswith("Settings")
        and model.model_fields
    ]
    models.sort(key=lambda model: model is not config.Settings)
    return "\n\n".join(map(_settings, models))


def _commands(command: TyperCommand | TyperGroup, name: str) -> Iterator[str]:
    context = typer.Context(command, info_name=name)
    if isinstance(command, TyperGroup):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if isinstance(found, TyperCommand | TyperGroup) and not found.hidden:
                yield from _commands(found, f"{name} {child}")
        return
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [record for param in command.params if (record := param.get_help_record(context)) is not None]
    yield f"## {name}\n\n{inspect.cleandoc(command.help or '')}\n\n`{name} {usage}`"
    if rows:
        yield table(("option", "what it does"), *((code(first), text) for first, text in rows))


def cli() -> str:
    """Exit status: 0 yes or done, 1 no or failed, 2 wrong usage."""
    command = typer.main.get_command(app)
    if not isinstance(command, TyperGroup):
        raise TypeError("`pacsgate` is a group of commands")
    return "\n\n".join(_commands(command, "pacsgate"))


_PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "actions": ("Actions", actions),
    "../permissions": (permission_guards.TITLE, permission_guards.permissions),
    "reasons": ("Reasons", reasons),
    "audit-events": ("Audit events", audit_events),
    "routes": ("DICOMweb routes", routes),
    "orthanc-routes": ("Orthanc routes", orthanc_routes),
    "configuration": ("Configuration", configuration),
    "cli": ("Commands", cli),
    "../conformance": (TITLE, conformance),
    "../acceptance": (acceptance.TITLE, acceptance.acceptance),
}
"""File name → title and what makes the body; the introduction is the function's docstring."""


def _page(title: str, body: Callable[[], str]) -> str:
    return f"{_MADE}\n\n# {title}\n\n{inspect.getdoc(body)}\n\n{body()}\n"


def main(arguments: list[str]) -> int:
    """Writes the pages, or with `--check` compares them; returns the exit status."""
    checking = "--check" in arguments
    chosen = [argument for argument in arguments if argument != "--check"] or list(_PAGES)
    stale = []
    for name in chosen:
        page = PAGES / f"{name}.md"
        text = _page(*_PAGES[name])
        if page.is_file() and page.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not checking:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, "utf-8")
    if checking and stale:
        sys.stderr.write(f"the reference is out of date: {', '.join(stale)}; run `make docs`\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
