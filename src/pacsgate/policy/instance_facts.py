"""What tells the instances of one series apart: which of the policy's instance filters each matches.

A filter is asked of an instance's whole data set, file meta information included,
once: when the instance is indexed.  Its answer is a fact like any other.  Until an
instance has been asked, its facts do not hold the filter's identifier, and so no
permit under that filter applies to it.

Called by `pacsgate.services` when an instance is indexed or judged.

Invariants:
- a policy without filters makes no such facts, so that no series is divided;
- `undecided` is true exactly of facts under which some filter has not been asked.
"""

from functools import reduce

from pacsgate.dicom.attributes import vr_of
from pacsgate.dicom.summary import DicomJson, InstanceSummary
from pacsgate.model.subject import Attributes
from pacsgate.policy.instance_query.matching import matches
from pacsgate.policy.ir import FILTERS, FILTERS_ASKED, INSTANCE_FACTS
from pacsgate.policy.policy import Policy

_NAMES = frozenset(attribute.name for attribute in INSTANCE_FACTS)


def instance_facts(policy: Policy, summary: InstanceSummary) -> Attributes:
    """The facts of one instance that the others of its series need not share."""
    if not policy.filters:
        return {}
    data_set = with_file_meta(
        reduce(_with_bulk, sorted(summary.bulk), summary.header),
        sop_class_uid=summary.sop_class_uid,
        sop_instance_uid=summary.sop_instance_uid,
        transfer_syntax_uid=summary.transfer_syntax_uid,
    )
    found = frozenset(filter_id for filter_id, query in policy.filters.items() if matches(query, data_set))
    return {FILTERS.name: found, FILTERS_ASKED.name: frozenset(policy.filters)}


def _with_bulk(data_set: DicomJson, place: str) -> DicomJson:
    """The data set with something there that nobody has read; within a sequence, in an item of its own."""
    tag, _, below = place.partition(".")
    if not below:
        return {**data_set, tag: {"vr": vr_of(tag), "BulkDataURI": ""}}
    items = data_set.get(tag, {}).get("Value", ())
    return {**data_set, tag: {"vr": "SQ", "Value": [*items, _with_bulk({}, below)]}}


def undecided(policy: Policy, part: Attributes) -> bool:
    """Whether the instances of a part have yet to be asked some filter of the policy."""
    return not part.get(FILTERS_ASKED.name, frozenset()) >= policy.filters.keys()


def shared_facts(part: Attributes) -> Attributes:
    """The facts that all parts of a series have in common."""
    return {name: values for name, values in part.items() if name not in _NAMES}


def own_facts(part: Attributes) -> Attributes:
    """The facts that the parts of a series need not share."""
    return {name: values for name, values in part.items() if name in _NAMES}


def with_file_meta(
    data_set: DicomJson, *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str
) -> DicomJson:
    """A data set with what is known of its file meta information (PS3.10 7.1); `""` where nothing is."""
    meta = {"00020002": sop_class_uid, "00020003": sop_instance_uid, "00020010": transfer_syntax_uid}
    return {**{tag: {"vr": "UI", "Value": [value]} for tag, value in meta.items() if value}, **data_set}
