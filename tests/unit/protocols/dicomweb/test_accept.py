import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.accept import Representation, negotiate
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.offers import offers
from pacsgate.protocols.dicomweb.routes import ROUTES, Route

BY_ID = {route.route_id: route for route in ROUTES}
JSON = Representation(MediaType.DICOM_JSON)
XML = Representation(MediaType.DICOM_XML, multipart=True)
PARTS = Representation(MediaType.DICOM, multipart=True)
JPEG, PNG = Representation(MediaType.JPEG), Representation(MediaType.PNG)


def best(
    route_id: str, header: str | None, parameter: str | None = None, *, frames: int = 0
) -> Representation:
    return negotiate(offers(BY_ID[route_id], frames=frames), header, parameter)[0]


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if offers(route)], ids=lambda route: route.route_id
)
@pytest.mark.parametrize(
    "header", [None, "*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"]
)
def test_whoever_accepts_anything_gets_the_default(route: Route, header: str | None) -> None:
    assert negotiate(offers(route), header)[0] == offers(route)[0]


@pytest.mark.parametrize(
    ("route_id", "header", "expected"),
    [
        ("search-studies", "application/dicom+json", JSON),
        ("search-studies", "application/json", Representation(MediaType.JSON)),
        ("search-studies", "application/json, application/dicom+json;q=0.5", Representation(MediaType.JSON)),
        ("search-studies", 'multipart/related; type="application/dicom+xml"', XML),
        ("search-studies", "multipart/related;type=application/dicom+xml", XML),
        ("search-studies", "APPLICATION/DICOM+JSON; charset=utf-8", JSON),
        ("retrieve-study", "application/zip", Representation(MediaType.ZIP)),
        ("retrieve-study", 'multipart/related; type="application/dicom"', PARTS),
        ("retrieve-study", "multipart/related", PARTS),
        ("retrieve-study", "application/zip;q=0.1, multipart/*", PARTS),
        ("retrieve-instance", "application/dicom", Representation(MediaType.DICOM)),
        ("instance-rendered", "image/*", JPEG),
        ("instance-rendered", "image/png, */*", PNG),
        ("instance-rendered", "image/jpeg;q=0.5, image/png", PNG),
        ("instance-rendered", "image/jpeg;q=0, image/*;q=0.2", PNG),
        (
            "study-rendered",
            'multipart/related; type="image/*"',
            Representation(MediaType.JPEG, multipart=True),
        ),
    ],
)
def test_the_client_weighs_what_the_route_offers(
    route_id: str, header: str, expected: Representation
) -> None:
    assert best(route_id, header) == expected


def test_transfer_syntaxes_come_in_the_order_of_preference() -> None:
    header = (
        'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1; q=0.4, '
        'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50'
    )
    assert best("retrieve-study", header).transfer_syntaxes == (
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.1",
    )
    assert best(
        "retrieve-study", 'multipart/related; type="application/dicom"; transfer-syntax=*'
    ).transfer_syntaxes == ("*",)


def test_frames_can_be_sent_in_whatever_of_the_accepted_forms_fits_how_they_are_stored() -> None:
    header = "multipart/related; type=image/jls, multipart/related; type=application/octet-stream; transfer-syntax=*; q=0.9"
    found = negotiate(offers(BY_ID["retrieve-frames"], frames=2), header)
    assert [one.media for one in found] == [MediaType.JPEG_LS, MediaType.OCTET_STREAM]


def test_one_frame_may_come_without_multipart_and_two_may_not() -> None:
    assert best("retrieve-frames", "application/octet-stream", frames=1) == Representation(
        MediaType.OCTET_STREAM
    )
    with pytest.raises(RequestError):
        best("retrieve-frames", "application/octet-stream", frames=2)


@pytest.mark.parametrize(
    ("route_id", "header"),
    [
        ("search-studies", "text/html"),
        ("search-studies", "application/dicom+json;q=0"),
        ("search-studies", "application/dicom+xml"),
        ("retrieve-study", "application/dicom"),
        ("retrieve-instance", "application/zip"),
        ("study-rendered", "image/jpeg"),
    ],
)
def test_nothing_acceptable_is_406_and_names_what_there_is(route_id: str, header: str) -> None:
    with pytest.raises(RequestError) as refusal:
        best(route_id, header)
    assert refusal.value.status == 406
    assert "available are `" in refusal.value.public


def test_the_accept_parameter_goes_before_the_header() -> None:
    assert best("instance-rendered", "image/jpeg", "image/png") == PNG
    assert best("instance-rendered", "image/jpeg", "text/html") == JPEG


def test_a_plus_sign_that_a_client_forgot_to_encode_is_understood() -> None:
    assert best("search-studies", None, "application/dicom json") == JSON


@pytest.mark.parametrize(
    "header",
    [
        "application",
        "/",
        "a/b;q=2",
        "a/b;q=x",
        "a/b;c",
        'a/b;c="x',
        "a/b;c=d;c=e",
        ",".join(["*/*"] * 65),
        "a/b;transfer-syntax=1.2.x",
        "*/*" + " " * 9000,
        "é/b",
    ],
)
def test_a_malformed_accept_is_refused(header: str) -> None:
    with pytest.raises(RequestError) as refusal:
        best("search-studies", header)
    assert refusal.value.status == 400


@given(
    st.permutations(
        ["application/dicom+json", "application/json", 'multipart/related; type="application/dicom+xml"']
    ),
    st.data(),
)
def test_exact_media_types_come_in_the_order_of_their_weights(names: list[str], data: st.DataObject) -> None:
    weights = dict(zip(names, data.draw(st.permutations([0, 250, 900])), strict=True))
    header = ", ".join(f"{name};q={weight / 1000}" for name, weight in weights.items())
    found = [one.spelled for one in negotiate(offers(BY_ID["search-studies"]), header)]
    assert found == sorted((name for name in names if weights[name]), key=lambda name: -weights[name])
