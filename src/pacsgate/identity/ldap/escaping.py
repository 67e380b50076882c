"""Names of people put into filters and DNs, so that they stay names.

Called by `people` and `groups`.

Standard: RFC 4515 section 3 (filters); RFC 4514 section 2.4 (DNs).
"""

from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

_PLACE = "{name}"


def filter_of(template: str, name: str) -> str:
    """The filter with the name in it, every character of it a literal one."""
    return template.replace(_PLACE, escaped_value(name))


def filter_of_everybody(template: str) -> str:
    """The filter for any name."""
    return template.replace(_PLACE, "*")


def escaped_value(value: str) -> str:
    """A value as a filter spells it."""
    return str(escape_filter_chars(value))


def bind_name_of(template: str, name: str) -> str | None:
    """What somebody of this name binds as; `None` for a name that would not stay what it is in there.

    A DN has escapes.  A user principal name (`{name}@hospital.example`) has none, so a name with an `@` or a
    backslash in it, which would say another domain, is nobody's.
    """
    if "=" in template:
        return template.replace(_PLACE, str(escape_rdn(name)))
    return None if set(name) & set('@\\/"') else template.replace(_PLACE, name)
