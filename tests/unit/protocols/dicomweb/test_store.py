from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.store_request import (
    ObjectParts,
    OneObject,
    read_store_body,
    require_dicom_part,
)
from pacsgate.protocols.dicomweb.store_response import (
    FailureReason,
    NotStored,
    Stored,
    StoreResult,
    store_response,
    store_status,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
ROOT = "http://gate/dicom-web"
stored = st.builds(
    Stored,
    st.builds(ResourceKey, st.just("1.2"), st.just("3.4"), st.from_regex("[1-9][0-9]{0,4}", fullmatch=True)),
    st.just(CT),
)
not_stored = st.builds(
    NotStored, st.sampled_from(FailureReason), st.just(CT), st.one_of(st.none(), st.just("5.6"))
)


@given(st.lists(st.one_of(stored, not_stored), min_size=1, max_size=6))
def test_every_object_is_in_the_answer_once_and_the_status_agrees(results: Sequence[StoreResult]) -> None:
    answer = Dataset.from_json(store_response(results, ROOT))
    good = list(answer.get("ReferencedSOPSequence", []))
    bad = list(answer.get("FailedSOPSequence", []))
    unreadable = list(answer.get("OtherFailuresSequence", []))
    assert len(good) + len(bad) + len(unreadable) == len(results)
    assert store_status(results) == (409 if not good else 202 if bad or unreadable else 200)
    assert sorted(item.FailureReason for item in (*bad, *unreadable)) == sorted(
        r.reason for r in results if isinstance(r, NotStored)
    )
    assert all(item.RetrieveURL.startswith(f"{ROOT}/studies/1.2/series/3.4/instances/") for item in good)
    assert answer.RetrieveURL == (f"{ROOT}/studies/1.2" if good else "")


def test_objects_of_several_studies_have_no_common_retrieve_url() -> None:
    results = [Stored(ResourceKey("1", "2", "3"), CT), Stored(ResourceKey("4", "5", "6"), CT)]
    assert store_response(results, ROOT)["00081190"] == {"vr": "UR"}


@pytest.mark.parametrize(
    ("reason", "decimal"),
    [
        (FailureReason.NOT_AUTHORIZED, 292),
        (FailureReason.PROCESSING_FAILURE, 272),
        (FailureReason.DUPLICATE_SOP_INSTANCE, 273),
        (FailureReason.SOP_CLASS_NOT_SUPPORTED, 290),
        (FailureReason.OUT_OF_RESOURCES, 42752),
        (FailureReason.DATA_SET_DOES_NOT_MATCH, 43264),
        (FailureReason.CANNOT_UNDERSTAND, 49152),
    ],
)
def test_failure_reasons_are_sent_in_decimal(reason: FailureReason, decimal: int) -> None:
    answer = store_response([NotStored(reason, CT, "5.6")], ROOT)
    assert answer["00081198"]["Value"][0]["00081197"] == {"vr": "US", "Value": [decimal]}


def test_dicom_comes_alone_or_in_parts() -> None:
    assert read_store_body("application/dicom", None) == OneObject()
    assert read_store_body(
        'multipart/related; type="application/dicom"; boundary=x', "identity"
    ) == ObjectParts("x")


@pytest.mark.parametrize(
    ("content_type", "content_encoding"),
    [
        (None, None),
        ("application/octet-stream", None),
        ("multipart/form-data; boundary=x", None),
        ('multipart/related; type="application/dicom+json"; boundary=x', None),
        ('multipart/related; type="application/dicom+xml"; boundary=x', None),
        ("application/dicom", "gzip"),
        ("application/dicom", "deflate, gzip"),
    ],
)
def test_a_body_that_cannot_be_stored_is_refused_before_it_is_read(
    content_type: str | None, content_encoding: str | None
) -> None:
    with pytest.raises(RequestError) as refusal:
        read_store_body(content_type, content_encoding)
    assert refusal.value.status == 415


def test_a_part_without_a_type_is_of_the_type_of_its_body() -> None:
    require_dicom_part({})
    require_dicom_part(
        {
            "content-type": "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
            "content-transfer-encoding": "binary",
        }
    )


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "image/jpeg"}, {"content-transfer-encoding": "base64"}, {"content-encoding": "gzip"}],
)
def test_a_part_that_is_not_a_dicom_object_as_it_is_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(RequestError) as refusal:
        require_dicom_part(headers)
    assert refusal.value.status == 415
