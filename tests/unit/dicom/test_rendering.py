"""Pictures: against dcmtk's, and against the formulas of the standard."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from pacsgate.dicom.frames import UndecodableFrame, frame_count
from pacsgate.dicom.grayscale import VoiFunction, Window
from pacsgate.dicom.reading import read_object
from pacsgate.dicom.rendering import (
    MAX_VIEWPORT,
    NotRenderable,
    Region,
    RenderedType,
    RenderingOptions,
    Viewport,
    render,
    thumbnail,
)
from pacsgate.model.errors import RequestError
from tests.unit.dicom.real_files import file_named, readable_files

PLAIN = RenderingOptions()


def object_named(name: str) -> Dataset:
    return read_object(file_named(name).read_bytes())


def picture(dataset: Dataset, options: RenderingOptions = PLAIN, number: int = 1) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(render(dataset, number, RenderedType.PNG, options)))).astype(int)


def grey(pixels: np.ndarray, **attributes: object) -> Dataset:
    """A synthetic image of one frame, or of several if the array has three dimensions."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


RAMP = np.arange(-1000, 1000, dtype=np.int16).reshape(40, 50)

SEEN_BY_DCMTK = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_RLE.dcm",
    "ExplVR_BigEnd.dcm",
    "SC_rgb_rle_16bit.dcm",
    "SC_rgb_rle.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_jpeg_gdcm.dcm",  # lossless JPEG
    "JPGExtended.dcm",  # 12-bit JPEG
    "JPEG-lossy.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "examples_palette.dcm",
    "examples_ybr_color.dcm",
    "examples_rgb_color.dcm",
    "rtdose.dcm",
)


@pytest.mark.server("dcmtk")
@pytest.mark.parametrize("name", SEEN_BY_DCMTK)
def test_pictures_are_those_that_dcmtk_makes(name: str, tmp_path: Path) -> None:
    dataset = object_named(name)
    written = tmp_path / "theirs.png"
    # Theirs: the first window if there is one, else from the smallest to the largest value.
    window = ["+Wi", "1"] if "WindowCenter" in dataset else ["+Wm"] if dataset.SamplesPerPixel == 1 else []
    subprocess.run(["dcmj2pnm", "-q", *window, "+on", file_named(name), written], check=True, timeout=60)
    theirs = np.asarray(Image.open(written).convert("RGB")).astype(int)
    ours = np.asarray(Image.fromarray(picture(dataset).astype(np.uint8)).convert("RGB")).astype(int)
    assert ours.shape == theirs.shape
    difference = np.abs(ours - theirs)
    # JPEG decoders round differently; everything else is a matter of one grey.
    assert np.percentile(difference, 99) <= 2, np.bincount(difference.ravel())


@pytest.mark.parametrize(
    "name", ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_RLE.dcm"]
)
def test_lossless_compression_changes_no_pixel_of_a_picture(name: str) -> None:
    assert (picture(object_named(name)) == picture(object_named("MR_small.dcm"))).all()


@pytest.mark.parametrize("path", readable_files(), ids=lambda path: path.name)
def test_every_object_becomes_a_picture_or_says_why_not(path: Path) -> None:
    dataset = read_object(path.read_bytes())
    try:
        jpeg = render(dataset, frame_count(dataset), RenderedType.JPEG, PLAIN)
    except (NotRenderable, UndecodableFrame) as refused:
        assert refused.status == 406  # noqa: PT017 - both outcomes are right, each for its objects
        return
    assert Image.open(io.BytesIO(jpeg)).size == (dataset.Columns, dataset.Rows)


def test_a_report_is_not_renderable() -> None:
    with pytest.raises(NotRenderable):
        render(object_named("reportsi.dcm"), 1, RenderedType.JPEG, PLAIN)


def test_a_linear_window_is_the_formula_of_the_standard() -> None:
    shown = picture(grey(RAMP), RenderingOptions(window=Window(100, 400)))
    for value, seen in zip(RAMP.ravel().tolist(), shown.ravel().tolist(), strict=True):
        if value <= 100 - 0.5 - 399 / 2:
            assert seen == 0
        elif value > 100 - 0.5 + 399 / 2:
            assert seen == 255
        else:
            assert abs(seen - ((value - 99.5) / 399 + 0.5) * 255) <= 0.51


def test_a_window_of_width_one_is_a_threshold() -> None:
    shown = picture(grey(RAMP), RenderingOptions(window=Window(10, 1)))
    assert ((shown == 255) == (RAMP > 9.5)).all()


@given(
    center=st.floats(-2000, 2000),
    width=st.floats(1, 5000),
    function=st.sampled_from(VoiFunction),
)
def test_every_window_is_monotonous_and_black_is_the_inverse_of_white(
    center: float, width: float, function: VoiFunction
) -> None:
    options = RenderingOptions(window=Window(center, width, function))
    shown = picture(grey(RAMP), options)
    assert (np.diff(shown.ravel()) >= 0).all()
    inverse = picture(grey(RAMP, PhotometricInterpretation="MONOCHROME1"), options)
    assert (inverse == 255 - shown).all()


def test_the_image_s_own_window_is_used_and_the_asked_one_replaces_it() -> None:
    own = grey(RAMP, WindowCenter=0, WindowWidth=100)
    assert (picture(own) == picture(grey(RAMP), RenderingOptions(window=Window(0, 100)))).all()
    asked = RenderingOptions(window=Window(500, 1000))
    assert (picture(own, asked) == picture(grey(RAMP), asked)).all()


def test_a_window_counts_in_rescaled_units() -> None:
    rescaled = grey(RAMP, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=-100, WindowWidth=401)
    assert (picture(rescaled) == picture(grey(RAMP, WindowCenter=0.25, WindowWidth=201))).all()


def test_a_voi_lut_is_applied_where_there_is_no_window() -> None:
    lut = Dataset()
    words = (np.arange(255, -1, -1) * 257).astype("<u2")
    lut.LUTDescriptor, lut.LUTData = [256, 0, 16], words.tobytes()
    lut["LUTDescriptor"].VR, lut["LUTData"].VR = "US", "OW"
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shown = picture(grey(pixels, VOILUTSequence=Sequence([lut])))
    assert (shown == 255 - pixels.astype(int)).all()


def test_without_a_window_the_values_are_stretched_and_padding_is_left_out_of_account() -> None:
    pixels = RAMP.copy()
    pixels[20, 20] = -32768
    shown = picture(grey(pixels, PixelPaddingValue=-32768))
    assert np.argwhere(shown != picture(grey(RAMP))).tolist() == [[20, 20]]
    assert shown[20, 20] == 0


def test_a_frame_of_an_enhanced_image_has_its_own_window() -> None:
    def group(center: int) -> Dataset:
        voi, functional = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = center, 100
        functional.FrameVOILUTSequence = Sequence([voi])
        return functional

    dataset = grey(
        np.stack([RAMP, RAMP]), PerFrameFunctionalGroupsSequence=Sequence([group(-500), group(500)])
    )
    for number, center in ((1, -500), (2, 500)):
        expected = picture(grey(RAMP), RenderingOptions(window=Window(center, 100)))
        assert (picture(dataset, number=number) == expected).all()


def test_float_pixels_with_nan_are_shown() -> None:
    dataset = grey(np.zeros((2, 2), np.float32))
    del dataset.PixelData
    dataset.FloatPixelData = np.array([0, 1, 0.5, np.nan], np.float32).tobytes()
    assert picture(dataset).ravel().tolist() == [0, 255, 128, 0]


def test_colours_of_sixteen_bits_keep_their_extremes() -> None:
    dataset = grey(np.array([[0, 65535, 32768], [65535, 0, 257]], np.uint16))
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 1, 2, 3
    dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    assert picture(dataset).tolist() == [[[0, 255, 128], [255, 0, 1]]]


def test_a_viewport_is_fitted_keeping_proportions() -> None:
    jpeg = render(grey(RAMP), 1, RenderedType.JPEG, RenderingOptions(Viewport(100, 100), quality=50))
    assert Image.open(io.BytesIO(jpeg)).size == (100, 80)


def test_a_region_is_cut_out_and_negative_sizes_flip_it() -> None:
    whole = Image.fromarray(picture(grey(RAMP)).astype(np.uint8))
    cut = whole.crop((10, 5, 30, 15))
    for width, height, expected in (
        (20, 10, cut),
        (-20, 10, ImageOps.mirror(cut)),
        (20, -10, ImageOps.flip(cut)),
    ):
        options = RenderingOptions(Viewport(20, 10), Region(10, 5, width, height))
        assert (picture(grey(RAMP), options) == np.asarray(expected)).all()


@pytest.mark.parametrize(
    "options",
    [
        RenderingOptions(Viewport(0, 10)),
        RenderingOptions(Viewport(MAX_VIEWPORT + 1, 10)),
        RenderingOptions(Viewport(10, 10), Region(45, 0, 10, 10)),
        RenderingOptions(Viewport(10, 10), Region(-1, 0, 10, 10)),
        RenderingOptions(Viewport(10, 10), Region(0, 0, 0, 10)),
        RenderingOptions(Viewport(10, 10), Region(float("nan"), 0, 1, 10)),
        RenderingOptions(region=Region(50, 0)),
        RenderingOptions(region=Region(0.5, 0, 0.6, 1, relative=True)),
    ],
)
def test_a_viewport_or_region_that_cannot_be_is_refused(options: RenderingOptions) -> None:
    with pytest.raises(RequestError) as refused:
        render(grey(RAMP), 1, RenderedType.PNG, options)
    assert refused.value.status == 400


def test_a_region_without_a_viewport_is_shown_in_its_own_size() -> None:
    whole = picture(grey(RAMP))
    rows, columns = whole.shape
    right = picture(grey(RAMP), RenderingOptions(region=Region(left=10)))
    assert right.shape == (rows, columns - 10)
    assert (right == whole[:, 10:]).all()


def test_fractions_of_an_image_are_regions_of_it() -> None:
    rows, columns = picture(grey(RAMP)).shape
    in_pixels = Region(columns // 2, 0, columns - columns // 2, rows // 2)
    in_fractions = Region(in_pixels.left / columns, 0, None, in_pixels.height / rows, relative=True)
    shown = [
        picture(grey(RAMP), RenderingOptions(Viewport(64, 64), one)) for one in (in_pixels, in_fractions)
    ]
    assert (shown[0] == shown[1]).all()


def test_quality_makes_jpegs_smaller() -> None:
    dataset = object_named("CT_small.dcm")
    sizes = [len(render(dataset, 1, RenderedType.JPEG, RenderingOptions(quality=q))) for q in (10, 50, 100)]
    assert sizes == sorted(sizes)


def test_a_thumbnail_is_a_small_jpeg_of_the_representative_frame_or_the_middle_one() -> None:
    frames = np.stack([np.full((300, 200), n, np.uint8) for n in (0, 100, 200)])
    dataset = grey(frames, WindowCenter=128, WindowWidth=256)
    small = Image.open(io.BytesIO(thumbnail(dataset, PLAIN)))
    assert (small.format, small.size) == ("JPEG", (85, 128))
    assert abs(np.asarray(small).mean() - 100) < 2
    dataset.RepresentativeFrameNumber = 3
    assert abs(np.asarray(Image.open(io.BytesIO(thumbnail(dataset, PLAIN)))).mean() - 200) < 2


def test_a_picture_carries_nothing_but_pixels() -> None:
    dataset = object_named("CT_small.dcm")
    dataset.PatientName = "CANARY"
    for rendered in RenderedType:
        image = Image.open(io.BytesIO(render(dataset, 1, rendered, PLAIN)))
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
