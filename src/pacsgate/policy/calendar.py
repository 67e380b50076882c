"""What the clock on the wall of a policy's time zone says, and when it will next say something else.

| attribute | type | value |
| --- | --- | --- |
| `env.hour` | number | 0 to 23 |
| `env.time` | number | the 24-hour clock as it is written: 1830 is half past six in the evening |
| `env.weekday` | string | `mon` to `sun` |
| `env.date` | date | today |
| `env.date_30_days_ago` | date | the day so many days before today; any number of up to five digits |

Called by `environment` and `engine`.

Invariants:
- nothing that a rule reads of the clock changes before `next_change`, also not in the
  night in which clocks are set.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pacsgate.model.subject import Attributes, Scalar
from pacsgate.policy.ir import And, Attribute, Compare, Const, Formula, Not, Or, Scope, ValueType

HOUR = Attribute(Scope.ENV, "hour", ValueType.NUMBER)
TIME = Attribute(Scope.ENV, "time", ValueType.NUMBER)
WEEKDAY = Attribute(Scope.ENV, "weekday", ValueType.STRING)
DATE = Attribute(Scope.ENV, "date", ValueType.DATE)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAYS_AGO = re.compile(r"date_([0-9]{1,5})_days_ago", re.ASCII)
_MINUTE = timedelta(minutes=1)
_QUARTER = timedelta(minutes=15)
"""The offsets of all zones of today are multiples of this, and so are the moments at which they change."""
_QUARTERS_OF_TWO_HOURS = 8
"""No clock shows one hour for longer, also not where it is set back."""


def date_days_ago(days: int) -> Attribute:
    """The attribute that holds the day so many days before today."""
    return Attribute(Scope.ENV, f"date_{days}_days_ago", ValueType.DATE)


def days_ago(name: str) -> int | None:
    """How many days before today an attribute of this name is; `None` if it is no such attribute."""
    matched = _DAYS_AGO.fullmatch(name)
    return None if matched is None else int(matched[1])


def calendar_attributes(now: datetime, zone: tzinfo, named: Iterable[Attribute]) -> Attributes:
    """What the clock says at an instant; of days gone by, those that are `named`."""
    local = now.astimezone(zone)
    values: dict[str, Scalar] = {
        HOUR.name: local.hour,
        TIME.name: 100 * local.hour + local.minute,
        WEEKDAY.name: WEEKDAYS[local.weekday()],
        DATE.name: _as_written(local.date()),
    }
    for attribute in named:
        days = days_ago(attribute.name) if attribute.scope is Scope.ENV else None
        if days is not None:
            values[attribute.name] = _before(local.date(), days)
    return {name: frozenset({value}) for name, value in values.items()}


def next_change(
    now: datetime, zone: tzinfo, named: Iterable[Attribute], times: frozenset[int] | None
) -> datetime | None:
    """The first moment after `now` at which an attribute that is `named` may have another value.

    `times` are the values with which `env.time` is compared; `None` if they are
    not known.  `None` is returned when no rule looks at the clock.
    """
    edges = [
        edge
        for attribute in named
        if attribute.scope is Scope.ENV
        for edge in _edges_of(attribute, now, zone, times)
    ]
    return min(edges, default=None)


def _edges_of(
    attribute: Attribute, now: datetime, zone: tzinfo, times: frozenset[int] | None
) -> Iterator[datetime]:
    if attribute == HOUR:
        yield _next_hour(now, zone)
    elif attribute == TIME and times is None:
        yield now.replace(second=0, microsecond=0) + _MINUTE
    elif attribute == TIME:
        # Between two of these the clock runs evenly, unless it is set, which happens at a full quarter.
        yield _next_quarter(now)
        yield from _moments(now, zone, times or ())
    elif attribute in {WEEKDAY, DATE} or days_ago(attribute.name) is not None:
        yield _next_midnight(now, zone)


def _next_quarter(now: datetime) -> datetime:
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0) + _QUARTER


def _next_hour(now: datetime, zone: tzinfo) -> datetime:
    hour = now.astimezone(zone).hour
    edge = _next_quarter(now)
    for _ in range(_QUARTERS_OF_TWO_HOURS):
        if edge.astimezone(zone).hour != hour:
            break
        edge += _QUARTER
    return edge


def _next_midnight(now: datetime, zone: tzinfo) -> datetime:
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(UTC)


def _moments(now: datetime, zone: tzinfo, times: Iterable[int]) -> Iterator[datetime]:
    """When the clock will show one of these times, or will just have shown it, within the day."""
    today = now.astimezone(zone).date()
    for shown in times:
        hour, minute = divmod(shown, 100)
        if not (0 <= hour < 24 and 0 <= minute < 60):
            continue
        for day in (today, today + timedelta(days=1)):
            for fold in (0, 1):
                at = datetime.combine(day, time(hour, minute, fold=fold), zone).astimezone(UTC)
                yield from (edge for edge in (at, at + _MINUTE) if edge > now)


def compared_with(attribute: Attribute, formulas: Iterable[Formula]) -> frozenset[int] | None:
    """The whole numbers with which conditions compare an attribute; `None` if they compare it otherwise."""
    found: set[int] = set()
    for formula in formulas:
        for operand in _operands(attribute, formula):
            if not isinstance(operand, int):
                return None
            found.add(operand)
    return frozenset(found)


def _operands(attribute: Attribute, formula: Formula) -> Iterator[object]:
    match formula:
        case Const():
            return
        case Not(inner):
            yield from _operands(attribute, inner)
        case And(formulas) | Or(formulas):
            for part in formulas:
                yield from _operands(attribute, part)
        case Compare(about, _, operand):
            if about == attribute:
                yield operand
            elif operand == attribute:
                yield about
        case _:
            if formula.attribute == attribute:
                yield formula


def _before(day: date, days: int) -> str:
    earliest = date.min.toordinal()
    return _as_written(date.fromordinal(max(earliest, day.toordinal() - days)))


def _as_written(day: date) -> str:
    """A day as DICOM writes it; `strftime` would leave out the zeros of early years."""
    return f"{day.year:04}{day.month:02}{day.day:02}"
