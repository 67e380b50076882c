"""What an order says of a study joins what the index is told of its images, and not the images themselves.

Modalities leave out much of what policies ask for: which service requested the
study, which physician.  The worklist knows it.  So before an object is judged, the
attributes of its order are put where the object has none.

Called by `store_instances`; asks the worklist at most once for each study that is arriving.

Invariants:
- an order never says who the patient is or what a study, a series or an instance is called;
- the order of another patient adds nothing.

Standard: PS3.4 K.6.1 (what a worklist returns), PS3.3 C.3.4, C.4.11, C.4.12.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from pydicom.dataset import Dataset

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.matching import text_key
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.dicom.summary import DicomJson, InstanceSummary
from pacsgate.model.resource import TenantScope
from pacsgate.ports.orders import ORDER_ATTRIBUTES, Orders

_TAGS = frozenset(map(tag_of, ORDER_ATTRIBUTES))
_REMEMBERED = 256
"""Studies whose order is kept at hand while they arrive."""

_StudyName = tuple[TenantScope, str, str, str]


class StudyOrders:
    """The orders of the studies that are arriving; where a tenant has no worklist there are none."""

    def __init__(self, orders: Mapping[TenantScope, Orders]) -> None:
        self._orders = orders
        self._known: OrderedDict[_StudyName, DicomJson] = OrderedDict()
        self._lock = Lock()

    def completed(self, scope: TenantScope, summary: InstanceSummary) -> InstanceSummary:
        """The summary, with what its order says and it does not."""
        orders = self._orders.get(scope)
        if orders is None:
            return summary
        added = self._added(scope, orders, summary)
        lacking = {tag: element for tag, element in added.items() if not _says(summary.header, tag)}
        return replace(summary, header={**summary.header, **lacking}) if lacking else summary

    def _added(self, scope: TenantScope, orders: Orders, summary: InstanceSummary) -> DicomJson:
        name = (scope, summary.study_instance_uid, summary.patient_id, summary.issuer_of_patient_id)
        with self._lock:
            if name in self._known:
                self._known.move_to_end(name)
                return self._known[name]
        added = _attributes(orders.order_of(_question(summary)), summary.patient_id)
        with self._lock:
            self._known[name] = added
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return added


def _says(header: Mapping[str, Mapping[str, Any]], tag: str) -> bool:
    element = header.get(tag)
    return element is not None and len(element) > 1


def _question(summary: InstanceSummary) -> Dataset:
    """By what an order is found."""
    header = Dataset()
    header.StudyInstanceUID = summary.study_instance_uid
    header.PatientID = summary.patient_id
    accession = summary.study.get(tag_of("AccessionNumber"), {}).get("Value", ())
    header.AccessionNumber = str(accession[0]) if accession and accession[0] is not None else ""
    return header


def _attributes(order: Dataset | None, patient_id: str) -> DicomJson:
    """What an order adds; nothing if it is somebody else's."""
    if order is None:
        return {}
    try:
        said = to_json(order, lambda _place: "")
    except UNREADABLE:
        return {}
    owner = said.get(tag_of("PatientID"), {}).get("Value", ())
    if not owner or text_key(str(owner[0]), "LO") != text_key(patient_id, "LO"):
        return {}
    return {tag: element for tag, element in said.items() if tag in _TAGS and "BulkDataURI" not in element}
