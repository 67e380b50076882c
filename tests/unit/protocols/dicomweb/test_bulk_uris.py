from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.filereader import dcmread

from pacsgate.dicom.bulk import bulk_value
from pacsgate.dicom.json_model import to_json
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.bulk_uris import bulkdata_url, resource_url
from pacsgate.protocols.dicomweb.routing import match
from pacsgate.protocols.paths import canonical_path

ROOT = "https://gate/dicom-web"
KEY = ResourceKey("1.2", "3.4", "5.6")
uids = st.from_regex(r"[1-9][0-9]{0,5}(\.[1-9][0-9]{0,5}){0,5}", fullmatch=True)
tags = st.integers(0x00080000, 0xFFFFFFFF).map(lambda tag: f"{tag:08X}")
places = st.tuples(tags, st.lists(st.tuples(st.integers(1, 999).map(str), tags), max_size=4)).map(
    lambda parts: (parts[0], *(name for pair in parts[1] for name in pair))
)


@given(st.builds(ResourceKey, uids, uids, uids), places)
def test_a_link_that_is_minted_leads_back_to_the_same_value(key: ResourceKey, place: tuple[str, ...]) -> None:
    found = match("GET", canonical_path(bulkdata_url(ROOT, key, place).removeprefix(ROOT).encode()))
    assert found is not None
    assert (found.route.route_id, found.key, found.bulkdata) == ("one-bulkdata", key, place)


@given(uids, st.one_of(st.none(), uids), st.one_of(st.none(), uids))
def test_a_retrieve_url_leads_back_to_the_same_resource(
    study: str, series: str | None, instance: str | None
) -> None:
    key = ResourceKey(study, series, instance if series else None)
    found = match("GET", canonical_path(resource_url(ROOT, key).removeprefix(ROOT).encode()))
    assert found is not None
    assert found.key == key


def test_a_link_in_real_metadata_names_the_bytes_of_the_object() -> None:
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    metadata = to_json(dataset, lambda place: bulkdata_url(ROOT, KEY, place))
    url = metadata["7FE00010"]["BulkDataURI"]
    found = match("GET", canonical_path(url.removeprefix(ROOT).encode()))
    assert found is not None
    assert found.bulkdata is not None
    assert bulk_value(dataset, found.bulkdata) == dataset.PixelData
