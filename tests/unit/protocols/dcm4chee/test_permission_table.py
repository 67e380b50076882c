"""What is exported to dcm4chee's table is what is imported from it."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind
from pacsgate.model.permission_letters import LETTERS
from pacsgate.model.study_permission import StudyPermission
from pacsgate.policy.foreign.dcm4chee.csv_rows import read_csv
from pacsgate.policy.foreign.dcm4chee.sql_dump import read_dump
from pacsgate.protocols.dcm4chee.permission_table import LeftOut, TableRow, as_csv, as_sql, table_rows

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20
)
ROWS = st.lists(st.builds(TableRow, st.just("1.2.3"), st.sampled_from(sorted(LETTERS)), NAMES), max_size=5)


def permission(uid: str, action: Action, kind: GranteeKind, name: str) -> StudyPermission:
    return StudyPermission(uid, action, kind, name, "test", "test", datetime(2026, 1, 1, tzinfo=UTC))


def test_an_action_alone_has_no_letter_and_neither_have_users() -> None:
    left = LeftOut()
    rows = list(
        table_rows(
            [
                permission("1.2", Action.SEARCH, GranteeKind.ROLE, "b"),
                permission("1.2", Action.VIEW, GranteeKind.ROLE, "a"),
                permission("1.2", Action.RETRIEVE, GranteeKind.ROLE, "a"),
                permission("1.2", Action.VIEW, GranteeKind.ROLE, "b"),
                permission("1.3", Action.SEARCH, GranteeKind.USER, "jane"),
                permission("1.3", Action.ANNOTATE, GranteeKind.ROLE, "a"),
            ],
            left,
        )
    )
    assert rows == [("1.2", "R", "a"), ("1.2", "Q", "b")]
    assert left.grantees == {"user:jane"}
    assert left.actions == {Action.VIEW, Action.ANNOTATE}


@pytest.mark.parametrize("writer", [as_csv, as_sql])
@given(rows=ROWS)
@example(rows=[TableRow("1.2.3", "Q", "a\\'b\\"), TableRow("1.2.3", "R", "'); --\"`;")])
def test_every_row_comes_back_whatever_its_role_is_called(writer: object, rows: list[TableRow]) -> None:
    written = list(writer(rows))
    reader = read_csv if writer is as_csv else read_dump
    read = [tuple(row.values[key] for key in TableRow._fields) for row in reader(written, "file")]
    assert read == rows
