"""Which studies the demo's hospital holds: a table, with the test files that their images come from.

S1 to S8 carry the facts that the acceptance checks name.  Sources are paths inside the installed packages
`pydicom` and `pynetdicom`, which ship real objects of many kinds as their test data; `images` turns each into
an object of this hospital.

Called by the `demo` command and by the tests.
"""

from pacsgate.cli.demo.study import DemoPatient, DemoSeries, DemoStudy, Department


def _pydicom(*names: str) -> tuple[str, ...]:
    return tuple(f"pydicom/data/test_files/{name}.dcm" for name in names)


def _dicomdir(folder: str, *names: int) -> tuple[str, ...]:
    return tuple(f"pydicom/data/test_files/dicomdirtests/{folder}/{name}" for name in names)


def _pynetdicom(name: str) -> tuple[str, ...]:
    return (f"pynetdicom/tests/dicom_files/{name}.dcm",)


P1 = DemoPatient("P1", "AMBER^ALICE", "19680412", "F")
P2 = DemoPatient("P2", "BIRCH^BENGT ÅKE", "19811130", "M")
P3 = DemoPatient("P3", "VANE^VICTORIA", "19590704", "F")
P4 = DemoPatient("P4", "TEACHING^CASE FOUR", "", "O")
P5 = DemoPatient("P5", "Sato^Hanako=佐藤^花子=さとう^はなこ", "19740215", "F", ("", "ISO 2022 IR 87"))
P6 = DemoPatient("P6", "Kim^Minjun=金^民俊=김^민준", "19900919", "M", ("", "ISO 2022 IR 149"))
P7 = DemoPatient("P7", "Παππάς^Νίκος", "19450326", "M", "ISO_IR 126")
P8 = DemoPatient("P8", "Li^Na=李^娜", "20010808", "F", "GB18030")
P9 = DemoPatient("P9", "Иванова^Ольга", "19870122", "F", "ISO_IR 144")
P10 = DemoPatient("P10", "Rosenthal^Jürg^von", "19521017", "M", "ISO_IR 192")
P11 = DemoPatient("P11", "حداد^ليلى", "19960530", "F", "ISO_IR 127")
NORTH_P1 = DemoPatient("P1", "NORTH^NATE", "19930303", "M", issuer="NORTH")
"""Another person under the same number, given by another clinic."""

_STUDIES = (
    DemoStudy(
        "S1", P1, "CT thorax", "20260907",
        (
            DemoSeries("CT", "Thorax native", _pydicom("CT_small")),
            DemoSeries("CT", "Thin slices", _dicomdir("77654033/CT2", 17106, 17136, 17166, 17196)),
        ),
        department=Department.CT_A, referring_physician_name="REF^ONE", stored_by="CT1",
    ),
    DemoStudy(
        "S2", P2, "MR shoulder", "20260908",
        (
            DemoSeries("MR", "One slice in six encodings", _pydicom(
                "MR_small", "MR_small_implicit", "MR_small_bigendian",
                "MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless",
            )),
        ),
        department=Department.MR_B, referring_physician_name="REF^TWO",
    ),
    DemoStudy(
        "S3", P3, "CT head", "20260909",
        (DemoSeries("CT", "Head", _pydicom("693_J2KI")),),
        department=Department.CT_A, referring_physician_name="REF^TWO", labels=frozenset({"V"}),
    ),
    DemoStudy(
        "S4", P1, "MR abdomen", "20260910",
        (DemoSeries("MR", "Overlay", _pydicom("examples_overlay")),),
        department=Department.MR_B, referring_physician_name="REF^TWO", labels=frozenset({"NO-HRESCH"}),
    ),
    DemoStudy(
        "S5", P4, "Teaching case 4", "20260101",
        (
            DemoSeries("CT", "What do you see?", _dicomdir("98892001/CT5N", 2062, 2392, 2693, 3023, 3353)),
            DemoSeries("SR", "The answer"),
        ),
        collections=frozenset({"TEACH"}), de_identified=True,
    ),
    DemoStudy(
        "S6", P5, "US thyroid", "20251119",
        (DemoSeries("US", "Palette colour", _pydicom("examples_palette")),),
        department=Department.US_C, labels=frozenset({"LEGAL-HOLD"}),
    ),
    DemoStudy(
        "S7", P6, "US heart", "20260301",
        (
            DemoSeries("US", "Name burned in", _pydicom("examples_rgb_color")),
            DemoSeries("US", "Cine loop, 30 frames", _pydicom("examples_ybr_color")),
        ),
        department=Department.US_C, burned_in=True,
    ),
    DemoStudy(
        "S8", P7, "Bone scan", "20140315",
        (
            DemoSeries("NM", "Whole body", _pydicom("JPGExtended", "JPEG2000")),
            DemoSeries("CR", "Hand", (
                *_dicomdir("77654033/CR1", 6154),
                *_dicomdir("77654033/CR2", 6247),
                *_dicomdir("77654033/CR3", 6278),
            )),
        ),
        department=Department.US_C, labels=frozenset({"RETENTION-DUE"}),
    ),
    DemoStudy(
        "S9", P8, "CT spine, reported", "20260911",
        (
            DemoSeries("CT", "Spine", _pynetdicom("CTImageStorage")),
            DemoSeries("SR", "Report"),
        ),
        referring_physician_name="REF^TWO", stored_by="CT1",
    ),
    DemoStudy(
        "S10", P9, "Photo documentation", "20260820",
        (
            DemoSeries("OT", "Baseline and lossless JPEG, JPEG-LS, RLE", _pydicom(
                "SC_rgb_jpeg_dcmtk", "SC_rgb_jpeg_gdcm", "SC_rgb_jls_lossy_sample",
                "SC_rgb_rle_2frame", "SC_rgb_rle_16bit_2frame",
            )),
            DemoSeries("OT", "Deflated", _pydicom("image_dfl")),
        ),
        department=Department.US_C, labels=frozenset({"R"}),
    ),
    DemoStudy(
        "S11", P10, "Radiotherapy planning", "20260701",
        (
            DemoSeries("RTDOSE", "Dose, 15 frames", _pydicom("rtdose")),
            DemoSeries("RTPLAN", "Plan, no pixels", _pydicom("rtplan")),
            DemoSeries("RTIMAGE", "Portal image", _pynetdicom("RTImageStorage")),
        ),
        department=Department.CT_A, labels=frozenset({"V"}),
    ),
    DemoStudy(
        "S12", P11, "Emergency room", "20261002",
        (
            DemoSeries("ECG", "12 leads", _pydicom("waveform_ecg")),
            DemoSeries("US", "Big endian", _pydicom("ExplVR_BigEnd")),
            DemoSeries("OT", "Screenshot, JPEG 2000", _pydicom("GDCMJ2K_TextGBR")),
        ),
        department=Department.US_C, collections=frozenset({"TELERAD"}),
    ),
    DemoStudy(
        "S13", NORTH_P1, "MR spine", "20261003",
        (
            DemoSeries("MR", "Localizer", _dicomdir("98892003/MR1", 4919, 5641, 15820)),
            DemoSeries("MR", "Sagittal", _dicomdir("98892003/MR700", 4467, 4528, 4558, 4588, 4618, 4648)),
        ),
        department=Department.US_C, referring_physician_name="REF^TWO",
    ),
)  # fmt: skip


def studies() -> tuple[DemoStudy, ...]:
    """Returns every study, in the order of their names."""
    return _STUDIES
