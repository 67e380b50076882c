"""A permission name of the plugin is worth all that its rows do, on all objects."""

from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.services.plugin_profiles import permission_names
from tests.unit.policy.hospital import MAIN, NOON


def names(may: str, rule: str = "", permissions: str = "") -> tuple[str, ...]:
    role = f"may: [{may}], permissions: [{permissions}], owner: o"
    text = f"version: 1\nroles: {{r: {{{role}}}}}\nassignments: [{{users: [ann], roles: [r]}}]\n"
    text += f"rules: [{{id: all, effect: permit, roles: [r]{rule}}}]\n" if may else ""
    subject = Subject(tenant=DEFAULT_TENANT, name="ann")
    return permission_names(
        bind(load_policy({"p.yaml": text}), subject, Context(now=NOON, request_id="r"), MAIN, ())
    )


def test_view_needs_what_its_rows_let_through() -> None:
    assert names("search, view, retrieve, export") == ("view", "download", "send")
    assert names("search, view, retrieve") == ()
    assert names("search, view") == ()


def test_a_condition_or_a_mask_leaves_nothing() -> None:
    may = "search, view, retrieve, export"
    assert names(may, ", when: study.patient_id == 'P1'") == ()
    assert names(may, ", obligations: {mask: [PatientName]}") == ()


def test_who_may_do_everything_has_every_name_about_images() -> None:
    may = "search, view, retrieve, store, append, annotate, update, delete, export, share"
    assert names(may) == (
        "view",
        "download",
        "upload",
        "delete",
        "modify",
        "anonymize",
        "edit-labels",
        "send",
        "share",
    )


def test_a_scanner_uploads_only_if_it_may_complete_any_study() -> None:
    assert names("store") == ()
    assert names("store, append, annotate") == ("upload",)


def test_names_about_the_server_come_from_permissions() -> None:
    assert names("", permissions="RemoteQuery, ArchiveConfigure") == ("q-r-remote-modalities", "settings")
    assert names("", permissions="ArchiveConfigure, JobAdminister, AuditRead") == (
        "settings",
        "admin-permissions",
        "audit-logs",
    )
