"""How the facts of many instances become the facts of a series and of a study.

Each instance contributes facts about its study, about its series, and about itself.  A series
keeps the *distinct* contributions of its instances (usually one), and each of
its instances says which is its own; so replacing or removing an instance takes
exactly its values away.

What is known of the whole is the union of what its parts say, attribute by
attribute.  An attribute that some part says nothing about (because it was
declared after that part was read) is not known of the whole: until it has been
filled everywhere, permits on it fail and forbids on it apply.

Called by `merging` and `study_row`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import msgspec

from pacsgate.model.subject import Attributes, Values
from pacsgate.stores.packing import pack_facts, unpack_facts
from pacsgate.stores.storable import storable_facts


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one or more instances of a series say about their study and their series."""

    study: Attributes
    series: Attributes
    instance: Attributes = field(default_factory=dict)
    """By these the instances of one series are told apart: alike within a part."""

    @classmethod
    def of(
        cls, study_facts: Attributes, series_facts: Attributes, instance_facts: Attributes | None = None
    ) -> Self:
        """Facts from outside, as they can be kept."""
        return cls(
            storable_facts(study_facts), storable_facts(series_facts), storable_facts(instance_facts or {})
        )


def union(parts: Iterable[Attributes]) -> dict[str, Values]:
    """The facts of a whole: for each attribute that every part knows, all values."""
    rest = iter(parts)
    whole = dict(next(rest, {}))
    for part in rest:
        whole = {name: values | part[name] for name, values in whole.items() if name in part}
    return whole


def study_union(contributions: Iterable[Contribution]) -> dict[str, Values]:
    """What contributions say about their study."""
    return union(contribution.study for contribution in contributions)


def series_union(contributions: Iterable[Contribution]) -> dict[str, Values]:
    """What contributions say about their series."""
    return union(contribution.series for contribution in contributions)


def disagreements(facts: Attributes, sets: frozenset[str]) -> Mapping[str, Values]:
    """The attributes that hold several values although each is meant to have one."""
    return {name: values for name, values in facts.items() if len(values) > 1 and name not in sets}


def refilled(contributions: Iterable[Contribution], fresh: Contribution) -> Contribution:
    """What a series contributes once its declared facts were computed anew from its kept header.

    The header is of one instance only.  Where instances were seen to disagree, the
    header cannot show that they now agree, so all values stay.
    """
    before = tuple(contributions)
    return Contribution(
        _refilled(study_union(before), fresh.study), _refilled(series_union(before), fresh.series)
    )


def _refilled(before: Attributes, fresh: Attributes) -> dict[str, Values]:
    return {
        name: values | before[name] if len(before.get(name, ())) > 1 else values
        for name, values in fresh.items()
    }


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[bytes, bytes, bytes]])


def pack_contributions(contributions: Iterable[Contribution]) -> bytes:
    """The contributions of one series, in order."""
    return _encoder.encode(
        [(pack_facts(one.study), pack_facts(one.series), pack_facts(one.instance)) for one in contributions]
    )


def unpack_contributions(data: bytes) -> list[Contribution]:
    """The reverse of `pack_contributions`."""
    return [
        Contribution(unpack_facts(of_study), unpack_facts(of_series), unpack_facts(of_instance))
        for of_study, of_series, of_instance in _decoder.decode(data)
    ]
