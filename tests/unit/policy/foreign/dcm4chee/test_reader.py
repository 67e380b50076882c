"""Everything of a dcm4chee finds its place, or a sentence says why not."""

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.errors import SettingsError
from pacsgate.model.grant import GranteeKind
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.foreign.dcm4chee.reader import Imported, Origin, Source, read_dcm4chee
from pacsgate.policy.foreign.dcm4chee.recognition import Content, content_of
from pacsgate.policy.foreign.native_text import native_text
from tests.support.clocks import START
from tests.support.dcm4chee_files import FILES, LDIF, STYLESHEET, WEB_XML

MAIN = ArchiveName("main")


def read(files: dict[str, str], **origin: bool) -> Imported:
    sources = [
        Source(name, lambda text=text: iter(text.splitlines(keepends=True))) for name, text in files.items()
    ]
    return read_dcm4chee(sources, Origin(MAIN, "informatics", **origin))


def text_of(imported: Imported) -> str:
    return native_text(imported.foreign, "Imported.")


def could(imported: Imported, user: str, action: Action, archive: ArchiveName = MAIN, **titles: str) -> bool:
    context = Context(START, "r", **titles)
    policy = load_policy({"p.yaml": text_of(imported)})
    return bind(policy, Subject(DEFAULT_TENANT, user), context, archive, ()).could(action) is None


def sentences(imported: Imported) -> str:
    return "\n".join(map(str, imported.foreign.left))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pacsdb.sql", Content.SQL_DUMP),
        ("dcm4chee-webroles-cfg.xml", Content.WEB_ROLES),
        ("web.xml", Content.SETTINGS_XML),
        ("dcm4chee-qrscp-xmbean.xml", Content.SETTINGS_XML),
        ("exported.txt", Content.SETTINGS_TEXT),
        ("series-permission.xsl", Content.STYLESHEET),
    ],
)
def test_a_file_is_known_by_what_stands_in_it(name: str, content: Content) -> None:
    assert content_of(FILES[name]) is content


def test_tables_as_csv_and_ldif_are_known_too() -> None:
    assert content_of("study_iuid,action,roles\r\n1.2,Q,Doctor\r\n") is Content.CSV
    assert content_of('"user_id";"roles"\n') is Content.CSV
    assert content_of(LDIF) is Content.LDIF
    assert content_of("# x\n\n" + LDIF.removeprefix("version: 1\n")) is Content.LDIF
    assert content_of("hello") is None


def test_what_nobody_knows_is_an_error() -> None:
    with pytest.raises(SettingsError, match="letter"):
        read({"letter.txt": "Dear colleagues"})


def test_the_policy_that_is_written_can_be_read() -> None:
    policy = load_policy({"p.yaml": text_of(read({**FILES, "arc.ldif": LDIF}))})
    assert {"Doctor", "client1", "client2", "GrantPrivileg", "north", "arc5-user"} <= set(policy.roles)
    assert policy.roles["Doctor"].may == {Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.APPEND}
    assert policy.roles["client1"].may == {Action.SEARCH}
    assert policy.roles["client2"].may == frozenset()
    assert policy.roles["GrantPrivileg"].permissions == {Permission.GRANT_ADMINISTER}
    assert policy.roles["GrantOwnPrivileg"].permissions == {Permission.GRANT_OWN}
    assert "Role for client 1 (Radiology)" in (policy.roles["client1"].description or "")
    assert "WebUser" not in policy.roles
    assert {role.owner for role in policy.own_roles.values()} == {"informatics"}


def test_a_permission_comes_over_for_each_action_of_its_letter() -> None:
    rows = sorted(read(FILES).permission_rows())
    assert rows[:4] == [
        ("1.2.3", Action.APPEND, GranteeKind.ROLE, "Doctor"),
        ("1.2.3", Action.RETRIEVE, GranteeKind.ROLE, "Doctor"),
        ("1.2.3", Action.SEARCH, GranteeKind.ROLE, "Doctor"),
        ("1.2.3", Action.VIEW, GranteeKind.ROLE, "Doctor"),
    ]
    assert [row[0] for row in rows[4:]] == ["1.2.4", "1.2.5"]


def test_a_role_name_is_data_whatever_it_looks_like() -> None:
    imported = read(FILES)
    (role,) = {name for uid, _, _, name in imported.permission_rows() if uid == "1.2.5"}
    assert role in load_policy({"p.yaml": text_of(imported)}).roles
    assert "'" not in role
    assert ";" not in role
    assert "x'); DROP TABLE roles;--" in text_of(imported)


def test_what_is_wrong_in_the_table_is_named_and_not_silently_dropped() -> None:
    said = sentences(read(FILES))
    assert "1 rows permit `Z`" in said
    assert "1 rows name no study by a UID, or no role" in said
    assert "AE `BROKEN` does not come over" in said
    assert "`NOWHERE`" in said
    assert "`UnrestrictedReadPermissionsToAETitles` is ANY" in said
    assert "`DefaultUserID`" in said
    assert "role `WebUser` (1 members)" in said


def test_no_password_comes_over() -> None:
    imported = read(FILES)
    assert "geheim" not in repr(imported)
    assert "W6ph5Mm5" not in repr(imported) + text_of(imported)


def test_users_and_application_entities_become_accounts_and_entries() -> None:
    imported = read(FILES)
    accounts = {(account.name, account.kind) for account in imported.accounts}
    assert accounts == {
        ("admin", SubjectKind.USER),
        ("bob", SubjectKind.USER),
        ("jane", SubjectKind.USER),
        ("o-brien", SubjectKind.USER),
        ("modality", SubjectKind.DEVICE),
        ("ae-CDRECORD", SubjectKind.DEVICE),
    }
    entries = {
        entry.ae_title: (entry.host, entry.port, entry.tls, entry.account) for entry in imported.entities
    }
    assert entries == {
        "CDRECORD": ("localhost", 10104, False, "ae-CDRECORD"),
        "CT1": ("ct1.example.test", 11112, False, "modality"),
        "WS1": ("ws1.example.test", 104, True, "jane"),
    }
    assert all(entry.owner == "informatics" and not entry.title_is_enough for entry in imported.entities)


def test_members_of_a_role_have_it_under_the_names_of_their_accounts() -> None:
    policy = load_policy({"p.yaml": text_of(read(FILES))})
    held = {given.assignment.role: given.users for given in policy.assignments}
    assert held["Doctor"] == {"jane", "o-brien"}
    assert held["client1"] == {"bob"}


def test_a_check_that_was_off_is_a_permit_for_those_users_in_that_archive_over_the_web_only() -> None:
    imported = read(FILES)
    assert could(imported, "admin", Action.DELETE)
    assert not could(imported, "jane", Action.DELETE)
    assert not could(imported, "admin", Action.DELETE, ArchiveName("other"))
    assert not could(imported, "admin", Action.DELETE, called_ae_title="ARCHIVE", calling_ae_title="X")
    assert "WARNING" in text_of(imported)
    assert "WARNING: `disableStudyPermissionCheckForUser` let 2 users" in sentences(imported)


def test_a_listed_name_that_nobody_has_is_given_nothing() -> None:
    imported = read({**FILES, "web.xml": WEB_XML.replace("admin,bob", "admin,ghost")})
    assert could(imported, "admin", Action.DELETE)
    assert not could(imported, "ghost", Action.DELETE)


def test_a_check_that_was_off_for_all_is_a_permit_for_the_known_users() -> None:
    files = {**FILES, "web.xml": WEB_XML.replace(">true<", ">false<")}
    imported = read(files)
    assert could(imported, "jane", Action.UPDATE)
    assert not could(imported, "stranger", Action.SEARCH)
    assert not could(read({"web.xml": files["web.xml"]}), "admin", Action.SEARCH)


def test_an_unrestricted_title_needs_no_permission_and_no_other_title_profits() -> None:
    imported = read(FILES)
    at = {"called_ae_title": "ARCHIVE"}
    assert could(imported, "ae-CDRECORD", Action.SEARCH, calling_ae_title="CDRECORD", **at)
    assert not could(imported, "ae-CDRECORD", Action.SEARCH, calling_ae_title="CT1", **at)
    assert not could(imported, "ae-CDRECORD", Action.RETRIEVE, calling_ae_title="CDRECORD", **at)
    assert could(imported, "modality", Action.APPEND, calling_ae_title="CT1", **at)
    assert not could(imported, "jane", Action.APPEND, calling_ae_title="CDRECORD")


def test_a_list_of_anybody_opens_nothing() -> None:
    policy = load_policy({"p.yaml": text_of(read({"a.txt": "UnrestrictedQueryPermissionsToAETitles=ANY\n"}))})
    assert policy.rules == ()


def test_stylesheets_come_along_as_they_stand() -> None:
    assert read(FILES).stylesheets == {"series-permission.xsl": STYLESHEET}


def test_a_role_that_a_stylesheet_gives_something_exists_and_may_have_it() -> None:
    sheet = STYLESHEET.replace(
        "</grants>",
        """<grant role="{$calling}" action="Q" suid="1.2"/>
        <grant action="U,X" suid="1.2"><xsl:attribute name="role">Editor</xsl:attribute></grant>
        <grant role="Late" suid="1.2"><xsl:attribute name="action"><xsl:value-of select="x"/></xsl:attribute></grant>
        </grants>""",
    )
    imported = read({"series-permission.xsl": sheet})
    roles = load_policy({"p.yaml": text_of(imported)}).roles
    assert roles["Doctor"].may == {Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.APPEND}
    assert roles["Editor"].may == {Action.UPDATE}
    assert roles["Late"].may == frozenset()
    assert sentences(imported).count("computes its role or its actions") == 2
