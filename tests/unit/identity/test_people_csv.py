from datetime import UTC, datetime

import pytest

from pacsgate.identity.people_csv import read_people
from pacsgate.model.errors import RequestError, SettingsError
from pacsgate.ports.identity_sources import SourceAccount


def read(text: str | bytes):
    def attribute(name, value):
        if name != "department":
            raise SettingsError(f"the policy does not declare `user.{name}`")
        return {name: frozenset({value})}

    return read_people(text if isinstance(text, bytes) else text.encode(), attribute)


FULL = """id,name,display_name,active,groups,from,until,attribute:department
7,reis,"Reis, Ana",yes,radiology | night,2026-01-01,2026-12-31T18:00+01:00,RAD
8,boe,,no,,,,
"""


def test_every_column_is_read():
    found = read(FULL)
    assert found.people == (
        SourceAccount(
            "7",
            "reis",
            "Reis, Ana",
            groups=frozenset({"radiology", "night"}),
            attributes={"department": frozenset({"RAD"})},
            starts=datetime(2026, 1, 1, tzinfo=UTC),
            until=datetime(2026, 12, 31, 17, tzinfo=UTC),
        ),
        SourceAccount("8", "boe", active=False, attributes={"department": frozenset()}),
    )
    assert found.speaks_of == {"display_name", "groups", "attributes", "starts", "until"}


def test_what_has_no_column_is_not_spoken_about():
    assert read("name,id\nreis,7\n").speaks_of == frozenset()


@pytest.mark.parametrize(
    "spelled",
    [
        b"\xef\xbb\xbf" + FULL.encode(),
        FULL.replace("\n", "\r\n").encode(),
        FULL.replace('"Reis, Ana"', '"Reis, Ana"').rstrip("\n").encode(),
        FULL.replace('"Reis, Ana"', "Reis\N{FULLWIDTH COMMA} Ana")
        .replace(",", ";")
        .replace("Reis\N{FULLWIDTH COMMA} Ana", "Reis, Ana")
        .encode(),
    ],
    ids=["byte order mark", "CRLF", "no last line end", "semicolons"],
)
def test_a_list_means_the_same_however_it_was_saved(spelled):
    assert read(spelled) == read(FULL)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("id;login\n7;reis\n", 1),
        ("id,name,colour\n7,reis,red\n", 1),
        ("id,name,id\n7,reis,7\n", 1),
        ("id,name\n7,reis\n8\n", 3),
        ("id,name\n7,reis,x\n", 2),
        ("id,name\n,reis\n", 2),
        ('id,name\n7,reis\n8,"bo', 3),
        ('id,name,display_name\n7,reis,"two\nlines"\n8,boe\n', 4),
        ("id,name,active\n7,reis,perhaps\n", 2),
        ("id,name,until\n7,reis,soon\n", 2),
        ("id,name,attribute:colour\n7,reis,red\n", 2),
        (b"id,name\n7,reis\n8,b\xf6e\n", 3),
        ("id,name\n7,r\0eis\n", 2),
    ],
)
def test_a_list_that_is_not_whole_or_not_understood_is_refused_with_its_line(text, line):
    with pytest.raises(RequestError, match=f"^line {line}: "):
        read(text)
