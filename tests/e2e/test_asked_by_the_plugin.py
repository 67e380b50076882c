"""Orthanc's authorization plugin asks the gate; a simulator puts its questions, in its order and form."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import requests

from tests.support.asking_plugin import ACCOUNT, Plugin
from tests.support.plugin_simulator import PluginSimulator

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]

PURPOSES = (
    "stone-viewer-publication",
    "ohif-viewer-publication",
    "viewer-instant-link",
    "download-instant-link",
)
NOBODY = {"name": "nobody", "groups": [], "permissions": [], "authorized-labels": [], "validity": 5}


# ------------------------------------------------------------------------------------ profiles


@pytest.mark.parametrize("key", ["Authorization", "token", "api-key"])
def test_who_may_read_everything_has_a_profile_of_every_label(plugin: Plugin, key: str) -> None:
    profile = plugin.simulator.profile(key, plugin.basic("chief1"))
    assert profile["authorized-labels"] == ["*"]
    assert profile["permissions"] == ["view", "download", "send", "share"]
    assert profile["user-id"] == "chief1"
    assert 1 <= profile["validity"] <= 10


@pytest.mark.parametrize("persona", ["rad1", "clerk1", "stud1", "CT1"])
def test_whoever_may_read_less_has_no_permission_and_no_label(plugin: Plugin, persona: str) -> None:
    profile = plugin.simulator.profile("Authorization", plugin.basic(persona))
    assert (profile["permissions"], profile["authorized-labels"]) == ([], [])
    assert profile["user-id"] == persona


def test_a_token_counts_with_its_scheme_and_without(plugin: Plugin) -> None:
    for value in (plugin.sonographer, f"Bearer {plugin.sonographer}", f"bearer {plugin.sonographer}"):
        assert plugin.simulator.profile("token", value)["user-id"] == "sono1"


def test_nobody_is_nobody_in_every_form_of_the_question(plugin: Plugin) -> None:
    link = plugin.link("S7")
    for body in (
        {"token-key": "", "token-value": "", "server-id": None},
        {"token-key": "token", "token-value": "", "server-id": None},
        {"token-key": "token", "token-value": "Bearer nonsense", "new-field": {"x": [1]}},
        {"token-key": "token", "token-value": "Basic !!"},
        {"token-key": "token", "token-value": f"pgt_{16 * '0'}_{64 * '0'}"},
        {"token-key": "token", "token-value": link},
        {},
    ):
        assert plugin.simulator.post("user/get-profile", body) == NOBODY


def test_a_user_is_shown_by_name_and_an_unknown_one_is_null(plugin: Plugin) -> None:
    shown = plugin.simulator.post("user/get-profile", {"user-id": "rad1", "server-id": None})
    assert shown["name"] == "Dr. Ada Reis, radiologist of CT-A"
    assert shown["permissions"] == []
    assert plugin.simulator.post("user/get-profile", {"user-id": "nobody-here", "server-id": None}) is None


# --------------------------------------------------------------------------- the plugin's decisions


def test_who_may_read_everything_reads_everything_and_changes_nothing(plugin: Plugin) -> None:
    tokens = {"Authorization": plugin.basic("chief1")}
    simulator = plugin.simulator
    for path in (
        "/studies",
        f"/studies/{plugin.study('S3')}/archive",
        f"/patients/{plugin.guarded.patient('S1')}",
    ):
        assert simulator.allows("get", path, tokens), path
    assert simulator.finds(tokens) is None
    assert not simulator.allows("delete", f"/studies/{plugin.study('S3')}", tokens)
    assert not simulator.allows("post", "/instances", tokens)


def test_who_may_read_a_part_reads_that_object_by_object(plugin: Plugin) -> None:
    tokens, simulator, guarded = {"token": plugin.sonographer}, plugin.simulator, plugin.guarded
    own, foreign = plugin.study("S7"), plugin.study("S1")
    for path in (
        f"/studies/{own}",
        f"/studies/{own}/archive",
        f"/instances/{guarded.instance('S7')}/preview",
        f"/dicom-web/studies/{plugin.uid('S7')}/metadata",
    ):
        assert simulator.allows("get", path, tokens), path
    for method, path in (
        ("get", f"/studies/{foreign}"),
        ("get", f"/instances/{guarded.instance('S1')}/file"),
        ("get", f"/dicom-web/studies/{plugin.uid('S1')}"),
        ("delete", f"/studies/{own}"),
        ("put", f"/studies/{own}/labels/x"),
        ("post", f"/studies/{own}/anonymize"),
        ("get", f"/patients/{guarded.patient('S7')}"),
        ("get", "/studies"),
        ("get", "/changes"),
        ("get", "/statistics"),
        ("get", "/jobs"),
        ("post", "/tools/find"),
        ("post", "/tools/bulk-delete"),
        ("put", "/auth/tokens/viewer-instant-link"),
        ("get", "/studies/00000000-00000000-00000000-00000000-00000000"),
    ):
        assert not simulator.allows(method, path, tokens), path


@pytest.mark.parametrize("persona", ["rad1", "rad2", "ref1", "clerk1", "stud1", "res1", "admin1", "CT1"])
def test_nobody_who_is_restricted_lists_or_searches_through_the_plugin(plugin: Plugin, persona: str) -> None:
    tokens = {"Authorization": plugin.basic(persona)}
    for path in ("/patients", "/studies", "/series", "/instances", "/changes", "/statistics", "/system"):
        assert not plugin.simulator.allows("get", path, tokens), path
    with pytest.raises(PermissionError):
        plugin.simulator.finds(tokens)


def test_somebody_with_several_tokens_has_no_more_than_the_better_of_them(plugin: Plugin) -> None:
    tokens = {"Authorization": plugin.basic("rad1"), "token": plugin.sonographer}
    assert plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", tokens)
    assert not plugin.simulator.allows("get", f"/studies/{plugin.study('S2')}", tokens)


# ------------------------------------------------------------------------------------------ links


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_link_reads_what_it_names_and_says_so(plugin: Plugin, purpose: str) -> None:
    link = plugin.link("S7", purpose)
    simulator, tokens = plugin.simulator, {"token": link}
    assert simulator.allows("get", f"/studies/{plugin.study('S7')}", tokens)
    assert simulator.allows("get", f"/instances/{plugin.guarded.instance('S7')}/frames/0/preview", tokens)
    assert not simulator.allows("get", f"/studies/{plugin.study('S8')}", tokens)
    assert simulator.finds(tokens) == [plugin.uid("S7")]
    decoded = simulator.post("tokens/decode", {"token-key": "token", "token-value": f"Bearer {link}"})
    assert decoded["token-type"] == purpose
    assert decoded["error-code"] is None
    assert decoded["resources"] == [
        {"level": "study", "orthanc-id": plugin.study("S7"), "dicom-uid": plugin.uid("S7"), "url": None}
    ]


def test_a_link_opens_where_its_viewer_is(plugin: Plugin) -> None:
    resources = [{"orthanc-id": plugin.study("S7"), "level": "study"}]
    stone = plugin.simulator.mint("stone-viewer-publication", resources=resources)
    assert stone["url"] == (
        f"https://orthanc.example/stone-webviewer/index.html?study={plugin.uid('S7')}"
        f"&selectedStudies={plugin.uid('S7')}&token={stone['token']}"
    )
    ohif = plugin.simulator.mint("ohif-viewer-publication", resources=resources)
    assert (
        ohif["url"]
        == f"https://ohif.example/viewer?StudyInstanceUIDs={plugin.uid('S7')}&token={ohif['token']}"
    )
    assert plugin.simulator.mint("viewer-instant-link", resources=resources)["url"] is None


@pytest.mark.parametrize("method", ["put", "post", "delete", "patch", ""])
def test_a_link_is_for_reading_only(plugin: Plugin, method: str) -> None:
    tokens = {"token": plugin.link("S7")}
    assert not plugin.simulator.allows(method, f"/studies/{plugin.study('S7')}", tokens)


def test_a_link_does_not_take_one_level_for_another(plugin: Plugin) -> None:
    link, guarded = plugin.link("S7"), plugin.guarded
    made = guarded.hospital.studies["S7"]
    study = {
        "method": "get",
        "level": "study",
        "orthanc-id": plugin.study("S7"),
        "dicom-uid": plugin.uid("S7"),
    }
    series = {"level": "series", "orthanc-id": guarded.series("S7"), "dicom-uid": made.series_instance_uid(1)}

    def granted(**asked: object) -> bool:
        question = {"token-key": "token", "token-value": link, "server-id": None, **study, **asked}
        return bool(plugin.simulator.post("tokens/validate", question)["granted"])

    assert granted()
    assert granted(**series)
    assert not granted(level="series")
    assert not granted(level="patient")
    assert not granted(
        level="patient", **{"dicom-uid": plugin.uid("S7"), "orthanc-id": guarded.patient("S7")}
    )
    assert not granted(**{"dicom-uid": plugin.uid("S8")})
    assert not granted(**{"orthanc-id": plugin.study("S8")})
    assert not granted(level="system", uri="/changes")
    assert not granted(level="galaxy")


def test_a_link_to_a_series_is_no_link_to_its_study(plugin: Plugin) -> None:
    guarded, made = plugin.guarded, plugin.guarded.hospital.studies["S7"]
    resources = [{"orthanc-id": guarded.series("S7"), "level": "series"}]
    link = plugin.simulator.mint(PURPOSES[0], resources=resources)["token"]

    def granted(level: str, orthanc_id: str, uid: str) -> bool:
        question = {"method": "get", "level": level, "orthanc-id": orthanc_id, "dicom-uid": uid}
        answer = plugin.simulator.post(
            "tokens/validate", {**question, "token-key": "token", "token-value": link}
        )
        return bool(answer["granted"])

    assert granted("series", guarded.series("S7"), made.series_instance_uid(1))
    assert granted("instance", guarded.instance("S7"), made.sop_instance_uid(1, 1))
    assert not granted("series", guarded.series("S7", 2), made.series_instance_uid(2))
    assert not granted("study", plugin.study("S7"), plugin.uid("S7"))


def test_a_link_ends_when_it_was_to_end_and_never_lives_long(plugin: Plugin) -> None:
    short = plugin.link("S7", **{"validity-duration": 3})
    question = {
        "method": "get",
        "level": "study",
        "orthanc-id": plugin.study("S7"),
        "dicom-uid": plugin.uid("S7"),
        "token-key": "token",
        "token-value": short,
    }
    first = plugin.simulator.post("tokens/validate", question)
    assert first["granted"]
    assert 1 <= first["validity"] <= 3
    time.sleep(3.1)
    assert plugin.simulator.post("tokens/validate", question)["granted"] is False
    decoded = plugin.simulator.post("tokens/decode", {"token-key": "token", "token-value": short})
    assert decoded == {"token-type": None, "redirect-url": None, "error-code": "expired", "resources": []}
    for wish in (
        {},
        {"validity-duration": 2**63},
        {"validity-duration": -5},
        {"expiration-date": "2099-01-01T00:00:00Z"},
    ):
        link = plugin.link("S7", **wish)
        (row,) = [row for row in plugin.listed() if row["share_id"] == link.split("_")[1]]
        assert row["expires_at"][:8] <= _in_days(row["created_at"], 8), wish


def test_a_revoked_link_is_listed_and_good_for_nothing(plugin: Plugin) -> None:
    link = plugin.link("S7", id="case 7")
    assert plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", {"token": link})
    plugin.revoke(link)
    assert not plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", {"token": link})
    listed = plugin.listed()
    (row,) = [row for row in listed if row["share_id"] == link.split("_")[1]]
    assert row["revoked_at"] is not None
    assert row["label"] == "case 7"
    assert link not in str(listed)


def test_a_link_that_was_tampered_with_tells_nothing(plugin: Plugin) -> None:
    link = plugin.link("S7")
    for value in (
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link[:30],
        "Bearer ",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
    ):
        decoded = plugin.simulator.post("tokens/decode", {"token-key": "token", "token-value": value})
        assert decoded["error-code"] in {"invalid", "unknown"}
        assert decoded["resources"] == []
        assert not plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", {"token": value})


@pytest.mark.parametrize("name", ["S1", "S3", "S12-missing"])
def test_a_link_is_minted_only_for_what_the_policy_lets_the_plugin_share(plugin: Plugin, name: str) -> None:
    study = plugin.study(name) if "-" not in name else "0" * 8 + 4 * ("-" + "0" * 8)
    with pytest.raises(requests.HTTPError) as refused:
        plugin.simulator.mint(PURPOSES[0], resources=[{"orthanc-id": study, "level": "study"}])
    assert refused.value.response.status_code == 403
    assert refused.value.response.json()["error"] == "forbidden"


@pytest.mark.parametrize(
    "purpose", ["meddream-viewer-publication", "inbox-link", "stone-viewer-publication/x", "%2e%2e"]
)
def test_a_link_of_an_unknown_type_is_not_minted(plugin: Plugin, purpose: str) -> None:
    with pytest.raises(requests.HTTPError) as refused:
        plugin.simulator.mint(purpose, resources=[{"orthanc-id": plugin.study("S7"), "level": "study"}])
    assert 400 <= refused.value.response.status_code < 405


def test_a_link_is_for_one_object_at_least_and_for_objects_that_agree_with_their_names(
    plugin: Plugin,
) -> None:
    for resources in (
        [],
        [{"level": "study"}],
        [{"orthanc-id": plugin.study("S7"), "dicom-uid": plugin.uid("S8"), "level": "study"}],
        [{"orthanc-id": plugin.study("S7"), "level": "galaxy"}],
    ):
        with pytest.raises(requests.HTTPError) as refused:
            plugin.simulator.mint(PURPOSES[0], resources=resources)
        assert refused.value.response.status_code == 400


def test_several_studies_under_either_name_make_one_link(plugin: Plugin) -> None:
    resources = [
        {"dicom-uid": plugin.uid("S7"), "level": "study"},
        {"orthanc-id": plugin.study("S8"), "level": "study"},
    ]
    tokens = {"token": plugin.simulator.mint(PURPOSES[0], resources=resources)["token"]}
    assert plugin.simulator.finds(tokens) == [plugin.uid("S7"), plugin.uid("S8")]
    for name in ("S7", "S8"):
        assert plugin.simulator.allows("get", f"/studies/{plugin.study(name)}", tokens)


# -------------------------------------------------------------------------------------- the account


def test_a_plugin_with_a_bad_password_is_unauthorized_everywhere(plugin: Plugin) -> None:
    root = plugin.simulator.root
    wrong = requests.post(f"{root}/tokens/decode", json={}, auth=(ACCOUNT[0], "wrong"), timeout=30)
    assert (wrong.status_code, wrong.json()) == (401, {"error": "authentication required"})
    for account in (None, ("nobody-here", "x")):
        for method, path in (
            ("POST", "user/get-profile"),
            ("POST", "tokens/validate"),
            ("POST", "tokens/decode"),
            ("PUT", "tokens/viewer-instant-link"),
            ("GET", "settings/roles"),
            ("PUT", "settings/roles"),
        ):
            answer = requests.request(method, f"{root}/{path}", json={}, auth=account, timeout=30)
            assert answer.status_code in {401, 429}, path
            assert answer.json()


def test_nobody_but_an_enforcement_point_may_ask(plugin: Plugin) -> None:
    chief = ("chief1", plugin.guarded.hospital.passwords["chief1"])
    asked = requests.post(f"{plugin.simulator.root}/user/get-profile", json={}, auth=chief, timeout=30)
    assert asked.status_code == 403
    asker = PluginSimulator(plugin.simulator.root, ACCOUNT, plugin.simulator.objects, server="another")
    assert not asker.allows("get", f"/studies/{plugin.study('S7')}", {"token": plugin.sonographer})


def test_roles_are_shown_to_nobody_and_stay_in_the_policy(plugin: Plugin) -> None:
    root = plugin.simulator.root
    shown = requests.get(f"{root}/settings/roles", auth=ACCOUNT, timeout=30)
    assert shown.json() == {"roles": {}, "available-labels": []}
    put = requests.put(f"{root}/settings/roles", json={"roles": {}}, auth=ACCOUNT, timeout=30)
    assert put.status_code == 403
    assert "policy" in put.json()["message"]


def test_identical_questions_at_once_have_identical_answers(plugin: Plugin) -> None:
    tokens = {"token": plugin.sonographer}
    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(
                lambda _: plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", tokens), range(48)
            )
        )
    assert answers == [True] * 48


def test_what_was_granted_is_on_record(plugin: Plugin) -> None:
    link = plugin.link("S7")
    plugin.simulator.allows("get", f"/studies/{plugin.study('S7')}", {"token": link})
    written = plugin.guarded.hospital.cli("audit", "search", "--json").stdout
    assert "by way of orthanc-main" in written
    assert link.split("_")[1] in written
    assert link not in written


def _in_days(instant: str, days: int) -> str:
    later = datetime.fromisoformat(instant) + timedelta(days=days)
    return later.isoformat()[:8]
