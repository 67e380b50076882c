"""DNs as servers write them, taken apart to compare where they lie and to name what they name.

ldap3 refuses names that servers do write (a `#` in the middle of one), so this is read here.

Called by `groups`.

Standard: RFC 4514 section 2.
"""

import re

_ESCAPE = "\\"
_HEX_PAIR = re.compile(rb"[0-9A-Fa-f]{2}")


def parts_of(dn: str) -> list[tuple[str, str]]:
    """Attribute and value of each part, the nearest first; empty for what is no DN.

    Names of attributes are in small letters, values as they are, without their escapes.
    """
    found = []
    for part in _split(dn, ","):
        attribute, equals, value = part.strip(" ").partition("=")
        if not equals or not attribute:
            return []
        found.append((attribute.strip().lower(), _unescaped(value.lstrip(" "))))
    return found


def lies_under(dn: str, base: str) -> bool:
    """Whether a DN names something below another, whatever case either is written in."""
    inner, outer = _folded(dn), _folded(base)
    return bool(outer) and len(inner) > len(outer) and inner[-len(outer) :] == outer


def _folded(dn: str) -> list[tuple[str, str]]:
    return [(attribute, value.casefold()) for attribute, value in parts_of(dn)]


def _split(text: str, mark: str) -> list[str]:
    """The text at each such mark that is not escaped."""
    parts = [""]
    is_escaped = False
    for character in text:
        if character == mark and not is_escaped:
            parts.append("")
        else:
            parts[-1] += character
        is_escaped = character == _ESCAPE and not is_escaped
    return parts


def _unescaped(value: str) -> str:
    r"""A value without its escapes: `\,` is a comma, `\C3\A9` the two bytes of an `é`."""
    found = b""
    raw = value.encode("utf-8")
    while raw:
        plain, escape, raw = raw.partition(_ESCAPE.encode())
        found += plain
        if _HEX_PAIR.match(raw):
            found += bytes.fromhex(raw[:2].decode())
            raw = raw[2:]
        elif escape:
            found += raw[:1]
            raw = raw[1:]
    return found.decode("utf-8", "replace")
