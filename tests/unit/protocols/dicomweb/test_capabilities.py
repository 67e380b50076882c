import io
import json
from xml.etree.ElementTree import fromstring

import requests
from dicomweb_client import web

from pacsgate.protocols.dicomweb.capabilities import capabilities_json, capabilities_wadl
from pacsgate.protocols.dicomweb.data_sets import (
    write_json,
    write_json_object,
    write_xml_parts,
)
from pacsgate.protocols.dicomweb.multipart import content_type
from pacsgate.protocols.dicomweb.routes import ROUTES

WADL = "{http://wadl.dev.java.net/2009/02}"
SERVED = {
    (route.template.partition("?")[0].removeprefix("/"), route.method, route.route_id)
    for route in ROUTES
    if route.implemented
}


def test_both_descriptions_name_exactly_the_rows_that_are_served() -> None:
    described = json.loads(capabilities_json("gate"))
    assert {
        (resource["path"].partition("?")[0].removeprefix("/"), method["method"], method["name"])
        for resource in described["resources"]
        for method in resource["methods"]
    } == SERVED
    wadl = fromstring(capabilities_wadl("http://gate/dicom-web"))  # noqa: S314 - our own document
    assert {
        (resource.get("path"), method.get("name"), method.get("id"))
        for resource in wadl.iter(f"{WADL}resource")
        for method in resource.iter(f"{WADL}method")
    } == SERVED


def test_data_sets_are_written_as_an_array_and_one_of_them_as_an_object() -> None:
    data_set = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Żółć^A", "Ideographic": "山田"}]}}
    assert json.loads(write_json([data_set, data_set])) == [data_set, data_set]
    assert json.loads(write_json_object(data_set)) == data_set


def test_each_xml_document_is_a_part_that_a_client_can_read() -> None:
    data_set = {"00100020": {"vr": "LO", "Value": ["A1"]}}
    body = b"".join(write_xml_parts([data_set, data_set], "b"))
    response = requests.Response()
    response.raw, response.status_code = io.BytesIO(body), 200
    response.headers["content-type"] = content_type("b", "application/dicom+xml")
    documents = list(web.DICOMwebClient("http://gate")._decode_multipart_message(response, stream=False))
    assert [fromstring(document)[0].get("keyword") for document in documents] == ["PatientID"] * 2  # noqa: S314 - our own
