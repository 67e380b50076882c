"""What a file of dcm4chee is, by what stands in it and not by its name.

Called by `reader`.
"""

import re
from enum import StrEnum

from pacsgate.policy.foreign.dcm4chee.csv_rows import csv_table
from pacsgate.policy.foreign.dcm4chee.switches import KNOWN, settings_in_text


class Content(StrEnum):
    """The kinds of files that are read."""

    SQL_DUMP = "SQL dump"
    CSV = "CSV"
    WEB_ROLES = "dcm4chee-webroles-cfg.xml"
    SETTINGS_XML = "settings in XML"
    SETTINGS_TEXT = "settings as text"
    STYLESHEET = "stylesheet"
    LDIF = "LDIF"


HEAD_CHARACTERS = 1 << 20
"""So much of a file is looked at: dumps begin with settings and definitions."""

_SQL = re.compile(r"^\s*(--|/\*|COPY\s|INSERT\s|REPLACE\s|CREATE\s|SET\s|SELECT\s)", re.IGNORECASE)
_LDIF = re.compile(r"^(version:\s*1|dn::?\s)", re.MULTILINE | re.IGNORECASE)
_ROOT = re.compile(r"<\s*(?:(\w+):)?([\w.-]+)[\s>/]")


def content_of(head: str) -> Content | None:
    """The kind of a file that begins with this text."""
    text = head.lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return _xml(text)
    if _LDIF.match(_without_comments(text)):
        return Content.LDIF
    first = text.partition("\n")[0]
    if csv_table(first.rstrip("\r")) is not None:
        return Content.CSV
    if _SQL.match(text):
        return Content.SQL_DUMP
    return Content.SETTINGS_TEXT if any(name in KNOWN for name, _, _ in settings_in_text(text)) else None


def _xml(text: str) -> Content | None:
    bare = re.sub(r"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(\[.*?\])?\s*>", "", text, flags=re.DOTALL)
    root = _ROOT.search(bare)
    if root is None:
        return None
    if root[2] in {"stylesheet", "transform"}:
        return Content.STYLESHEET
    return Content.WEB_ROLES if re.search(r"<role\s", bare) and root[2] != "web-app" else Content.SETTINGS_XML


def _without_comments(text: str) -> str:
    """LDIF without the lines that say nothing in front of its first."""
    lines = text.splitlines()
    return "\n".join(line for line in lines[:200] if line and not line.startswith("#"))
