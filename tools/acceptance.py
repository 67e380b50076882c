"""Which test shows which row of the list of what a PACS's permissions must do.

The rows are those of an article on managing permissions in a PACS, numbered by chapter.  An end-to-end test
says which row it shows by its name (`test_a9_…`) or, where it shows more than that, in its docstring
(`Rows V4, T3.`).

Called by `reference`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.tables import code, table

TITLE = "Acceptance checks"

_ROOT = Path(__file__).resolve().parent.parent
_TESTS = _ROOT / "tests" / "e2e"
_IN_NAME = re.compile(r"test_([a-z]\d{1,2})_")
_IN_DOCSTRING = re.compile(r"\bRows? ([A-Z]\d{1,2}(?:, [A-Z]\d{1,2})*)\.")

_ROWS = {
    "V1": "View only: find and read studies, change and store nothing",
    "V2": "Annotate: notes, measurements and overlays of what one sees, and no images",
    "V3": "Delete: only those who are given it",
    "V4": "Share and export: only those who are given it; recipient and bytes are on record",
    "A1": "Radiologists read, report and share within their department",
    "A2": "Technologists find and annotate what their scanner made; deleting and exporting are limited",
    "A3": "Referring physicians read the studies of their own patients",
    "A4": "System administrators run the system under oversight, and see no images",
    "A5": "Compliance officers read audit logs and accounts, and see no images",
    "A8": "Several roles are their union, and what is forbidden stays forbidden",
    "A9": "A device stores and reads nothing",
    "P1": "Nobody is allowed anything that no policy allows",
    "P2": "Scheduling clerks see appointments and no images",
    "P3": "Students read a subset",
    "R5": "Accounts that no source knows are found",
    "R6": "Who joins, moves and leaves by somebody else's list; a list cut short changes nothing",
    "T1": "Each access is on record with who, when, from where, what and why",
    "T2": "The trail leaves in standard formats: DICOM audit messages and FHIR AuditEvents with the same ids",
    "T3": "Every export is on record with recipient and size",
    "T4": "Sign-ins and changes of roles are on record",
    "T5": "Changes of the policy are on record with what was before",
    "T6": "A change of the trail is found",
    "T10": "Reading the trail is on record",
    "T12": "Names and queries forge no line of a log",
    "T14": "What was begun and what was transferred are compared",
    "E11": "Everything over TLS, nothing older than 1.2; HTTP leads there",
    "E12": "DICOM with TLS; without it only listed devices, and no passcodes",
    "E13": "Archives are verified too, and an open way to one is served only when that is meant",
    "M1": "Codes of an app, each once",
    "M2": "Passkeys and security keys, bound to this site",
    "M3": "Smart cards: chained to an authority, not expired, not revoked, also behind a proxy",
    "M4": "Who comes from outside needs two factors; a forged address changes nothing",
    "M5": "Administration and export need two factors, and a fresh proof",
    "M6": "Factors of an identity provider count only as far as it is believed",
    "M7": "DIMSE takes two factors in a token, and no passcode where two are demanded",
    "I1": "Directories: names and passwords, groups as roles; down is closed, and local accounts go on",
    "I2": "OpenID Connect: code with PKCE, everything of an answer verified",
    "I3": "SAML: signed, for us, now and once; nothing wrapped around it counts",
    "I4": "Programs with tokens of a cloud's or a provider's own are services",
    "I5": "Passwords are long enough and not common",
    "I6": "Repeated failures lock a name",
    "I7": "Sessions end: idle, absolutely, one by one, and by an administrator",
    "I8": "One sign-in serves pages, archives and programs, until the provider ends it",
    "I9": "Smart cards and security keys sign people in",
    "I10": "One account in two networks at once is noticed",
    "I11": "No account from the factory",
    "I12": "Tokens have an owner, a scope and an end",
    "C4": "DICOM goes to validated recipients only",
    "C7": "Who holds a token for one patient reaches that patient only",
    "L1": "An old PACS without roles and record is guarded as it stands",
    "L2": "Who is refused hears why, and whom to ask, and nothing of the study",
    "L3": "What another system says of people and groups holds at the next request; drift is reported",
    "L4": "Reading from home: the VPN, two factors, short sessions, assigned studies",
    "L5": "Temporary accounts and roles end by themselves, and nobody alone prolongs such a role",
    "Z5": "Several sources at once: their people are told apart, and each brings no more than it may",
    "X5": "A saved policy is live at once, and a broken one loosens nothing",
    "X7": "Who is locked loses sessions, downloads and associations within two seconds, on every node",
    "X8": "The same answers in front of every archive",
}
"""By chapter, from levels and roles to the product."""


def acceptance() -> str:
    """What an article on managing permissions in a PACS asks for, and the end-to-end tests that show it.

    A row says as much as its tests show; what is missing is on the page of [where things stand](status.md).
    `make test` and `make test-long` run them, against dcmtk, Orthanc and browsers where these take part.
    """
    shown: dict[str, list[str]] = {row: [] for row in _ROWS}
    for file in sorted(_TESTS.glob("test_*.py")):
        for name, rows in _tests(file):
            for row in rows:
                shown[row].append(f"[{code(name)}](../{file.relative_to(_ROOT)})")
    missing = [row for row, tests in shown.items() if not tests]
    if missing:
        raise ValueError(f"no test shows {', '.join(missing)}")
    return table(
        ("row", "what is asked", "shown by"),
        *((row, text, "<br>".join(shown[row])) for row, text in _ROWS.items()),
    )


def _tests(file: Path) -> Iterator[tuple[str, list[str]]]:
    for node in ast.parse(file.read_text("utf-8"), str(file)).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, _rows_of(node)


def _rows_of(test: ast.FunctionDef) -> list[str]:
    named = _IN_NAME.match(test.name)
    told = _IN_DOCSTRING.search(ast.get_docstring(test) or "")
    rows = ([named[1].upper()] if named else []) + (told[1].split(", ") if told else [])
    return list(dict.fromkeys(rows))
