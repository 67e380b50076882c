"""Instances for the index without images: summaries with just the attributes that a test names."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.decision import Revision
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.model.subject import Attributes
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.ir import INGEST_PRINCIPAL, TRUE, Formula
from pacsgate.ports import Ingested

SCOPE = TenantScope(DEFAULT_TENANT)
MAIN = ArchiveName("main")
SEEN = datetime(2026, 3, 10, 9, 30, 0, 123456, tzinfo=UTC)
EVERYTHING = Constraint(TRUE, Revision("0" * 12))
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def within(formula: Formula) -> Constraint:
    return Constraint(formula, Revision("0" * 12))


def dicom_json(attributes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Keyword to value, list of values, or `None` for an attribute that is present and empty."""
    return {
        tag_of(keyword): {"vr": vr_of(keyword)}
        | ({} if value is None else {"Value": value if isinstance(value, list) else [value]})
        for keyword, value in attributes.items()
    }


def instance(
    study: str = "1.2.1",
    series: str | None = None,
    sop: str | None = None,
    *,
    patient: str = "P1",
    issuer: str = "",
    of_study: Mapping[str, Any] | None = None,
    of_series: Mapping[str, Any] | None = None,
    of_instance: Mapping[str, Any] | None = None,
    study_facts: Attributes | None = None,
    series_facts: Attributes | None = None,
    header: Mapping[str, Any] | None = None,
    sop_class: str = CT_IMAGE,
    ingest_principal: str | None = None,
    **ingested: Any,
) -> Ingested:
    series = series or f"{study}.1"
    sop = sop or f"{series}.1"
    parts = {
        "study": dicom_json({"StudyInstanceUID": study, **(of_study or {})}),
        "series": dicom_json({"SeriesInstanceUID": series, **(of_series or {})}),
        "instance": dicom_json({"SOPInstanceUID": sop, **(of_instance or {})}),
    }
    summary = InstanceSummary(
        study_instance_uid=study,
        series_instance_uid=series,
        sop_instance_uid=sop,
        sop_class_uid=sop_class,
        patient_id=patient,
        issuer_of_patient_id=issuer,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        number_of_frames=1,
        header=parts["study"] | parts["series"] | parts["instance"] | dicom_json(header or {}),
        **parts,
    )
    origin = {INGEST_PRINCIPAL.name: frozenset({ingest_principal})} if ingest_principal else {}
    return Ingested(summary, study_facts or {}, series_facts or {}, origin=origin, **ingested)
