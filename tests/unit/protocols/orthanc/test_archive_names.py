from pacsgate.protocols.orthanc.archive_names import ArchiveNames, FolderTags

CT = FolderTags("P1", "AMBER^ALICE", "ACC-S1", "CT  thorax", "CT", "What do you see?")


def test_folders_are_named_by_patient_study_and_series_and_instances_are_numbered() -> None:
    names = ArchiveNames()
    assert [names.next_name("p", "s", "r", CT) for _ in range(2)] == [
        "P1 AMBER ALICE/ACCS1 CT thorax/CT What do you see/CT000000.dcm",
        "P1 AMBER ALICE/ACCS1 CT thorax/CT What do you see/CT000001.dcm",
    ]


def test_what_is_called_alike_lies_apart() -> None:
    names = ArchiveNames()
    assert names.next_name("p", "s", "one", CT).endswith("/CT What do you see/CT000000.dcm")
    assert names.next_name("p", "s", "two", CT).endswith("/CT What do you see-2/CT000000.dcm")
    assert names.next_name("p", "other", "three", CT).startswith("P1 AMBER ALICE/ACCS1 CT thorax-2/")
    assert names.next_name("p", "s", "one", CT).endswith("/CT What do you see/CT000001.dcm")


def test_no_name_leads_out_of_the_zip_file() -> None:
    hostile = FolderTags("../../etc", "\\..\\x", "/root", "\0a\nb", "c", "")
    assert ArchiveNames().next_name("p", "s", "r", hostile) == "....etc ..x/root a b/c/C0000000.dcm"
    dots = FolderTags("..", "", "", "../..", "", ".")
    assert (
        ArchiveNames()
        .next_name("p", "s", "r", dots)
        .startswith("Unknown Patient/Unknown Study/Unknown Series/")
    )


def test_what_has_no_name_in_ascii_is_called_unknown() -> None:
    names = ArchiveNames()
    nameless = FolderTags("", "\u4f50\u85e4", "", "", "", "\u00c5")
    assert (
        names.next_name("p", "s", "r", nameless)
        == "Unknown Patient/Unknown Study/Unknown Series/00000000.dcm"
    )
