"""Attributes of sources that know nothing but texts: those that policies compare as numbers are made numbers.

Called by the sources of kind LDAP and SAML.
"""

from collections.abc import Iterable, Iterator

from pacsgate.model.subject import Attributes, Scalar, Values


def with_numbers(attributes: Attributes, numbers: Iterable[str]) -> Attributes:
    """The attributes with these as whole numbers; what is none is left out, as if it were not there."""
    wanted = frozenset(numbers)
    found = {
        name: frozenset(_numbers(values)) if name in wanted else values for name, values in attributes.items()
    }
    return {name: values for name, values in found.items() if values}


def _numbers(values: Values) -> Iterator[Scalar]:
    for value in values:
        text = str(value)
        if text.isascii() and text.removeprefix("-").isdigit():
            yield int(text)
