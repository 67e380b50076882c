"""Whatever a file of a dcm4chee holds, it becomes a policy that can be read, or an error with its place."""

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import PolicyError, RequestError, SettingsError
from pacsgate.model.resource import ArchiveName
from pacsgate.policy.document import load_policy
from pacsgate.policy.foreign.dcm4chee.conditions import read_condition
from pacsgate.policy.foreign.dcm4chee.reader import Origin, Source, read_dcm4chee
from pacsgate.policy.foreign.dcm4chee.sql_dump import read_dump
from pacsgate.policy.foreign.dcm4chee.store_labels import read_store_labels, store_labels_text
from pacsgate.policy.foreign.native_text import native_text
from tests.support.dcm4chee_files import DUMP, EXPORTED, LDIF, WEB_ROLES, WEB_XML, XMBEAN

WHOLE = (DUMP, WEB_ROLES, WEB_XML, XMBEAN, EXPORTED, LDIF, "study_iuid,action,roles\n1.2,Q,Doctor\n")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(WHOLE))
    start = draw(st.integers(0, len(text)))
    length = draw(st.integers(0, 40))
    return text[:start] + draw(st.text(max_size=12)) + text[start + length :]


@given(text=damaged())
def test_a_damaged_file_is_read_or_refused(text: str) -> None:
    source = Source("file", lambda: iter(text.splitlines(keepends=True)))
    try:
        imported = read_dcm4chee([source], Origin(ArchiveName("main"), "it"))
        rows = list(imported.permission_rows())
    except (SettingsError, PolicyError):
        return
    policy = load_policy({"p.yaml": native_text(imported.foreign, "Imported.")})
    assert all(is_valid_uid(uid) and role in policy.roles for uid, _, _, role in rows)
    if imported.store_labels is not None:
        assert read_store_labels("x", store_labels_text(imported.store_labels)) == imported.store_labels


@given(
    text=st.text(
        st.sampled_from("INSERT O study_permission VALUES(1,'Q');\n\\\"`$-/*EeCOPY.\t"), max_size=200
    )
)
@example(text="INSERT INTO study_permission VALUES (1, '1', 'Q', 'a'), (2, '1', 'Q', '")
@example(text="COPY study_permission (study_iuid, action, roles) FROM stdin;\n1\tQ\t\\")
def test_a_dump_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SettingsError):
        list(read_dump(text.splitlines(keepends=True), "dump.sql"))


@given(
    text=st.text(max_size=80)
    | st.text(st.sampled_from('Modality=[](){}|*+?.\\!,"§0123456789CT'), max_size=80)
)
def test_a_condition_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(RequestError):
        read_condition(text)
