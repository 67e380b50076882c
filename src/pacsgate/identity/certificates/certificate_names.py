"""The name in a certificate that says whose it is.

Called by `source`.

Invariants:
- a certificate that says two names in the chosen place says none.

Standard: RFC 5280 4.1.2.6, 4.2.1.6; FIPS 201-3 (PIV: the user principal name).
"""

from collections.abc import Callable, Iterator, Mapping

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from pacsgate.identity.certificates.unreadable import UNREADABLE
from pacsgate.model.errors import SettingsError

_UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_UTF8_STRING = 0x0C
_SHORT = 0x80


def name_in(certificate: x509.Certificate, field: str, domain: str | None = None) -> str | None:
    """What the field says; without the domain, and nothing for those of another one, if one is given."""
    read = _FIELDS.get(field)
    if read is None:
        raise SettingsError(f"no part of a certificate is called `{field}`")
    try:
        found = set(read(certificate))
    except UNREADABLE:
        return None
    if len(found) != 1:
        return None
    (name,) = found
    if domain is None:
        return name or None
    account, at, of = name.rpartition("@")
    return account or None if at and of.lower() == domain.lower() else None


def _of_subject(identifier: ObjectIdentifier) -> Callable[[x509.Certificate], Iterator[str]]:
    def read(certificate: x509.Certificate) -> Iterator[str]:
        for attribute in certificate.subject.get_attributes_for_oid(identifier):
            if isinstance(attribute.value, str):
                yield attribute.value

    return read


def _of_alternative(
    kind: type[x509.RFC822Name | x509.UniformResourceIdentifier | x509.DNSName],
) -> Callable[[x509.Certificate], Iterator[str]]:
    def read(certificate: x509.Certificate) -> Iterator[str]:
        yield from (name.value for name in _alternatives(certificate) if isinstance(name, kind))

    return read


def _principal_names(certificate: x509.Certificate) -> Iterator[str]:
    for name in _alternatives(certificate):
        if isinstance(name, x509.OtherName) and name.type_id == _UPN:
            yield _utf8_string(name.value)


def _utf8_string(der: bytes) -> str:
    """The text of a UTF8String in DER.  Raises `ValueError`; no name is longer than 127 bytes."""
    if len(der) < 2 or der[0] != _UTF8_STRING or der[1] >= _SHORT or len(der) != der[1] + 2:
        raise ValueError("no short UTF8String")
    return der[2:].decode("utf-8")


def _alternatives(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    try:
        return tuple(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return ()


_FIELDS: Mapping[str, Callable[[x509.Certificate], Iterator[str]]] = {
    "subject-cn": _of_subject(NameOID.COMMON_NAME),
    "subject-serial-number": _of_subject(NameOID.SERIAL_NUMBER),
    "san-upn": _principal_names,
    "san-email": _of_alternative(x509.RFC822Name),
    "san-uri": _of_alternative(x509.UniformResourceIdentifier),
    "san-dns": _of_alternative(x509.DNSName),
}
