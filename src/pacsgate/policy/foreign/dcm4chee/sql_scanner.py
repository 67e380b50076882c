"""Where the statements of a dump end: strings, names, comments and bodies of functions are stepped over.

What stands in a string or in the data of a table is never taken for a statement, however
much it looks like one.

Called by `sql_dump`.

Standard: ISO/IEC 9075-2, 5.2 (tokens); PostgreSQL 15, 4.1 (lexical structure); MySQL 8.0, 9.1 (literals).
"""

import re
from dataclasses import dataclass

_OUTSIDE = re.compile(r"[eE]?'|\"|`|\$[A-Za-z_0-9]*\$|--|/\*|;")
_PLAIN_STRING = re.compile(r"''|'")
_ESCAPED_STRING = re.compile(r"\\.|''|'", re.DOTALL)


@dataclass(slots=True)
class Scanner:
    """Steps through a dump line by line; `escapes` says whether a backslash escapes in every string."""

    escapes: bool
    _inside: re.Pattern[str] | None = None
    _end: str = ""

    def ends(self, line: str) -> bool:
        """Whether a statement is complete at the end of this line."""
        position, ended = 0, False
        while position < len(line):
            if self._inside is None:
                found = _OUTSIDE.search(line, position)
                if found is None:
                    return ended and not line[position:].strip()
                mark = found[0]
                if mark == "--":
                    return ended
                ended = mark == ";"
                position = found.end()
                if not ended:
                    self._enter(mark)
                continue
            found = self._inside.search(line, position)
            if found is None:
                return False
            position = found.end()
            if found[0] == self._end:
                self._inside = None
        return ended and self._inside is None

    def _enter(self, mark: str) -> None:
        if mark.endswith("'"):
            escaped = self.escapes or len(mark) > 1
            self._inside, self._end = (_ESCAPED_STRING if escaped else _PLAIN_STRING), "'"
        else:
            self._end = "*/" if mark == "/*" else mark
            self._inside = re.compile(re.escape(self._end))
