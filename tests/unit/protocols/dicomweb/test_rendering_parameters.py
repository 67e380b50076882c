import pytest

from pacsgate.dicom.grayscale import VoiFunction, Window
from pacsgate.dicom.rendering import Region, RenderingOptions, Viewport
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.rendering_parameters import read_rendering
from pacsgate.protocols.dicomweb.wado_uri import WadoUriRequest, asks_for_wado, read_wado_uri
from pacsgate.protocols.query_string import read_query_string


def rendered(raw: str, *, thumbnail: bool = False) -> RenderingOptions:
    return read_rendering(read_query_string(raw.encode()), thumbnail=thumbnail)


def wado(raw: str) -> WadoUriRequest:
    return read_wado_uri(
        read_query_string(f"requestType=WADO&studyUID=1&seriesUID=2&objectUID=3{raw}".encode())
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", RenderingOptions()),
        ("quality=80", RenderingOptions(quality=80)),
        ("viewport=512,256", RenderingOptions(viewport=Viewport(512, 256))),
        (
            "viewport=512,256,10,20.5,100,200",
            RenderingOptions(viewport=Viewport(512, 256), region=Region(10, 20.5, 100, 200)),
        ),
        (
            "viewport=512,256,,,100,",
            RenderingOptions(viewport=Viewport(512, 256), region=Region(0, 0, 100, None)),
        ),
        (
            "viewport=9,9,0,0,-5,5",
            RenderingOptions(viewport=Viewport(9, 9), region=Region(0, 0, -5, 5)),
        ),
        ("window=-600,1500,linear", RenderingOptions(window=Window(-600, 1500))),
        (
            "window=0.5,0.25,linear-exact",
            RenderingOptions(window=Window(0.5, 0.25, VoiFunction.LINEAR_EXACT)),
        ),
        (
            "window=40,400,sigmoid&iccprofile=no&accept=image/png",
            RenderingOptions(window=Window(40, 400, VoiFunction.SIGMOID)),
        ),
    ],
)
def test_rendering_parameters_are_read(raw: str, expected: RenderingOptions) -> None:
    assert rendered(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "quality=0",
        "quality=101",
        "quality=x",
        "quality=50&quality=60",
        "viewport=512",
        "viewport=0,10",
        "viewport=10,9000",
        "viewport=10,10,-1,0,5,5",
        "viewport=10,10,0,0,0,5",
        "viewport=10,10,0,0,5",
        "viewport=,",
        "window=1,2",
        "window=1,0,linear",
        "window=1,0.5,linear",
        "window=1,-2,sigmoid",
        "window=nan,1,linear",
        "window=inf,1,linear",
        "window=1e99999,1,linear",
        "window=1,2,cubic",
        "annotation=patient",
        "iccprofile=srgb",
        "presentationUID=1.2",
        "rotate=90",
    ],
)
def test_a_rendering_parameter_that_cannot_be_carried_out_is_refused(raw: str) -> None:
    with pytest.raises(RequestError) as refusal:
        rendered(raw)
    assert refusal.value.status == 400


def test_a_thumbnail_takes_only_a_viewport() -> None:
    assert rendered("viewport=64,64", thumbnail=True) == RenderingOptions(viewport=Viewport(64, 64))
    with pytest.raises(RequestError):
        rendered("quality=50", thumbnail=True)


def test_a_wado_uri_request_is_read_into_the_same_values() -> None:
    request = wado(
        "&contentType=image/png&frameNumber=2&windowCenter=40&windowWidth=400&rows=100&imageQuality=90&region=0.25,0,0.75,1"
    )
    assert request == WadoUriRequest(
        key=ResourceKey("1", "2", "3"),
        accept="image/png",
        frame=2,
        transfer_syntax=None,
        rendering=RenderingOptions(
            Viewport(8192, 100), Region(0.25, 0, 0.5, 1, relative=True), Window(40, 400), quality=90
        ),
    )


def test_a_wado_uri_request_for_dicom_may_name_a_transfer_syntax() -> None:
    request = wado("&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.1")
    assert request.transfer_syntax == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("&anonymize=yes", 501),
        ("&annotation=patient", 501),
        ("&presentationUID=1", 501),
        ("&rows=0", 400),
        ("&frameNumber=0", 400),
        ("&windowCenter=1", 400),
        ("&region=0,0,1", 400),
        ("&region=0.5,0,0.5,1", 400),
        ("&region=0,0,1,2", 400),
        ("&transferSyntax=x", 400),
        ("&contentType=application/dicom&rows=5", 400),
        ("&studyUID=2", 400),
        ("&nonsense=1", 400),
        ("&imageQuality=", 400),
    ],
)
def test_a_wado_uri_request_that_cannot_be_carried_out_is_refused(raw: str, status: int) -> None:
    with pytest.raises(RequestError) as refusal:
        wado(raw)
    assert refusal.value.status == status


@pytest.mark.parametrize(
    "raw",
    ["requestType=WADO&studyUID=1&seriesUID=2", "requestType=WADO&studyUID=1&seriesUID=2&objectUID=../3"],
)
def test_a_wado_uri_request_names_an_instance_and_its_parents(raw: str) -> None:
    with pytest.raises(RequestError):
        read_wado_uri(read_query_string(raw.encode()))


def test_another_request_type_is_refused_and_none_is_not_wado() -> None:
    assert asks_for_wado((("requestType", "WADO"),))
    assert not asks_for_wado((("limit", "1"),))
    with pytest.raises(RequestError):
        asks_for_wado((("requestType", "XDSI"),))
