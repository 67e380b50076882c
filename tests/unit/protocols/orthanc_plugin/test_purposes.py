"""Where a link opens, and that the plugin is never told to keep an answer for ever."""

from pacsgate.model.resource import Level
from pacsgate.model.share import SharedObject
from pacsgate.protocols.orthanc_plugin.answers import Profile, profile, validation
from pacsgate.protocols.orthanc_plugin.purposes import PublicRoots, Purpose, link_url, opening_url

TWO = (SharedObject(Level.STUDY, "aa", "1.2"), SharedObject(Level.STUDY, "bb", "1.3"))
ROOTS = PublicRoots("https://o/", "https://v/", "https://o/ui/landing/")


def test_each_viewer_opens_at_its_own_address() -> None:
    found = {purpose: opening_url(purpose, TWO, "pgs_1", ROOTS) for purpose in Purpose}
    assert found == {
        Purpose.STONE_VIEWER: "https://o/stone-webviewer/index.html?study=1.2,1.3&selectedStudies=1.2,1.3&token=pgs_1",
        Purpose.OHIF_VIEWER: "https://v/viewer?StudyInstanceUIDs=1.2,1.3&token=pgs_1",
        Purpose.OSIMIS_VIEWER: "https://o/osimis-viewer/app/index.html?pickableStudyIds=aa,bb&selectedStudyIds=aa,bb&token=pgs_1",
        Purpose.VOLVIEW_VIEWER: "https://o/volview/index.html?names=[archive.zip]&urls=../studies/aa/archive,../studies/bb/archive&token=pgs_1",
        Purpose.VIEWER_NOW: None,
        Purpose.DOWNLOAD_NOW: None,
    }


def test_a_link_goes_to_the_landing_page_where_there_is_one() -> None:
    assert link_url(Purpose.STONE_VIEWER, TWO, "pgs_1", ROOTS) == "https://o/ui/landing/?token=pgs_1"
    assert link_url(Purpose.VIEWER_NOW, TWO, "pgs_1", ROOTS) is None
    bare = PublicRoots("https://o/")
    assert link_url(Purpose.STONE_VIEWER, TWO, "pgs_1", bare) == opening_url(
        Purpose.STONE_VIEWER, TWO, "pgs_1", bare
    )
    assert link_url(Purpose.OHIF_VIEWER, TWO, "pgs_1", bare) is None


def test_a_profile_is_never_valid_for_ever() -> None:
    told = profile(Profile("Ann", "ann", ("g",), ("view",), ("*",)), 0)
    assert told == {
        "name": "Ann",
        "user-id": "ann",
        "groups": ("g",),
        "permissions": ("view",),
        "authorized-labels": ("*",),
        "validity": 1,
    }
    assert validation(granted=False, validity=-3) == {"granted": False, "validity": 0}
