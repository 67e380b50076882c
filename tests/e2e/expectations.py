"""What must come out of every route, worked out from the hand-written tables alone; imports nothing from pacsgate.

`expected_status` is the whole of the rules; `routes`, `cells` and `contents` read the tables.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ORACLE = Path(__file__).resolve().parents[1] / "oracle"
MISSING = "missing"
"""A study that the archive does not hold."""
BRING = ("store", "append", "annotate")


@dataclass(frozen=True)
class Row:
    """One row of the route table."""

    route_id: str
    method: str
    path: str
    media: str
    all_of: tuple[str, ...]
    any_of: tuple[str, ...]
    answer: str

    @property
    def names_study(self) -> bool:
        return "{study}" in self.path or self.route_id in {"wado-uri", "search-instances"}

    @property
    def names_series(self) -> bool:
        return "{series}" in self.path or self.route_id == "wado-uri"

    @property
    def names_instance(self) -> bool:
        return "{instance}" in self.path or self.route_id == "wado-uri"

    @property
    def form(self) -> str:
        """The column of `forms.csv` that a served row belongs to."""
        if self.route_id == "wado-uri":
            return "object" if self.media else "rendered"
        last = self.path.rpartition("/")[2]
        if self.method == "GET" and self.route_id.startswith("search-"):
            return "search"
        if self.route_id == "one-bulkdata":
            return "value"
        if last == "{frames}":
            return "frames"
        return last if last in {"metadata", "rendered", "thumbnail", "pixeldata", "bulkdata"} else "object"


def _table(name: str) -> list[dict[str, str]]:
    with (ORACLE / name).open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


@cache
def routes() -> tuple[Row, ...]:
    return tuple(
        Row(
            row["route_id"],
            row["method"],
            row["path"],
            row["media"],
            () if "|" in row["actions"] else tuple(filter(None, row["actions"].split("+"))),
            tuple(row["actions"].split("|")) if "|" in row["actions"] else (),
            row["answer"],
        )
        for row in _table("routes.csv")
    )


@cache
def _cells_as_written() -> dict[tuple[str, str], dict[str, str]]:
    return {(row["persona"], row["action"]): row for row in _table("personas.csv")}


def _cells() -> dict[tuple[str, str], dict[str, str]]:
    return _cells_as_written()


@cache
def differences_of_an_origin() -> tuple[dict[str, str], ...]:
    """The cells that differ for an archive that others fill."""
    return tuple(_table("origin.csv"))


@cache
def cells_of_an_origin() -> dict[tuple[str, str], dict[str, str]]:
    """The table of personas with those cells in it."""
    cells = {key: dict(row) for key, row in _cells_as_written().items()}
    for row in differences_of_an_origin():
        if (row["persona"], row["action"]) in cells:
            cells[row["persona"], row["action"]][row["study"]] = row["expected"]
    return cells


@cache
def personas() -> tuple[str, ...]:
    return tuple(dict.fromkeys(persona for persona, _ in _cells()))


@cache
def studies() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["study"] for row in _table("contents.csv")))


@cache
def contents() -> dict[tuple[str, int], tuple[str, ...]]:
    """What each instance of (study, series number) is."""
    return {
        (row["study"], int(row["series"])): tuple(row["contents"].split()) for row in _table("contents.csv")
    }


@cache
def _forms() -> dict[str, dict[str, str]]:
    return {row["content"]: row for row in _table("forms.csv")}


@cache
def _hidden_series() -> frozenset[tuple[str, str, int]]:
    return frozenset(
        (row["persona"], row["study"], int(row["series"]))
        for row in _table("series.csv")
        if row["expected"] == "hidden"
    )


def could(persona: str, action: str) -> bool:
    """Whether there is any study, known or new, for which the person might be allowed this."""
    row = _cells()[persona, action]
    return any(
        cell in {"allow", "404"} for column, cell in row.items() if column not in {"persona", "action"}
    )


def cell(persona: str, action: str, study: str) -> str:
    return "404" if study == MISSING else _cells()[persona, action][study]


def sees(persona: str, study: str, series: int | None = None) -> bool:
    """Whether a search of this person finds the study, or one series of it."""
    if study == MISSING or cell(persona, "search", study) != "allow":
        return False
    return series is None or (persona, study, series) not in _hidden_series()


def visible_series(persona: str, study: str) -> tuple[int, ...]:
    """The numbers of the series of a study that a search of this person finds."""
    return tuple(number for held, number in contents() if held == study and sees(persona, study, number))


def is_mixed(persona: str, study: str) -> bool:
    """Whether a person sees a part of a study and not the rest."""
    held = [number for name, number in contents() if name == study]
    return 0 < len(visible_series(persona, study)) < len(held)


@dataclass(frozen=True)
class Target:
    """What a request names: a study, one of its series and instances.  `stray` has a parent that is not its own."""

    study: str
    series: int = 1
    instance: int = 1
    stray: str | None = None


def expected_status(row: Row, persona: str, target: Target) -> int:
    """The one status that is right."""
    if row.answer == "denied":
        return 404
    if row.method == "POST" and row.route_id in {"store", "store-in-study"}:
        return _expected_of_store(persona, target)
    if row.any_of:
        if not any(could(persona, action) for action in row.any_of):
            return 403
        return 200
    if not all(could(persona, action) for action in row.all_of):
        return 403
    if not row.names_study:
        if row.form == "search" and row.answer == "served":
            return 200 if any(sees(persona, study) for study in studies()) else 204
        return 501 if row.answer == "501" else 200
    if not _is_visible(row, persona, target):
        return 204 if row.form == "search" else 404
    if not all(cell(persona, action, target.study) == "allow" for action in row.all_of):
        return 403
    if row.answer == "501":
        return 501
    return min(int(_forms()[content][row.form]) for content in _named_contents(row, persona, target))


def _is_visible(row: Row, persona: str, target: Target) -> bool:
    if not sees(persona, target.study):
        return False
    if row.names_series and not sees(persona, target.study, target.series):
        return False
    return not (
        (target.stray == "series" and row.names_series) or (target.stray == "instance" and row.names_instance)
    )


def _named_contents(row: Row, persona: str, target: Target) -> list[str]:
    if row.names_instance:
        return [contents()[target.study, target.series][target.instance - 1]]
    if row.names_series:
        return list(contents()[target.study, target.series])
    return [
        content
        for number in visible_series(persona, target.study)
        for content in contents()[target.study, number]
    ]


def _expected_of_store(persona: str, target: Target) -> int:
    """An image is stored into the target study: anew if it is missing, else it is an `append`."""
    if not any(could(persona, action) for action in BRING):
        return 403
    wanted, study = ("store", "new") if target.study == MISSING else ("append", target.study)
    return 200 if _cells()[persona, wanted][study] == "allow" else 409
