"""What a browser sent by a form of ours, and where it may go next.

Called by every page that accepts a form; `Visitor.form` adds the check of the session's own token.

Invariants:
- a form is accepted from a page of this very site only (Fetch metadata, else Origin);
- nothing that a form or an address says leads to another site;
- no page elsewhere sends a browser off to sign in that its user did not send.

Standard: Fetch Metadata Request Headers (W3C); OWASP ASVS 5.0 3.5.1 (forms), 3.7.2 (redirects), 7.6.2.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from pacsgate.model.errors import RequestError

_MAX_BYTES = 64 * 1024
_MAX_FIELDS = 200
_ITSELF = frozenset({"same-origin", "none"})
_HOME = "/"
LONGEST_PATH = 2048
"""Of where to go on to: it is kept while somebody signs in elsewhere, whom nobody knows yet."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in the order in which they stood there."""

    fields: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        """The first field of this name, `""` where there is none: what is left empty and what is left out
        mean the same.
        """
        return next(self._named(name), "")

    def __contains__(self, name: str) -> bool:
        """Whether a box was ticked."""
        return any(self._named(name))

    def all(self, name: str) -> tuple[str, ...]:
        """Every field of this name: the ticked ones of several boxes."""
        return tuple(self._named(name))

    def values(self) -> Mapping[str, str]:
        """Each name with its first value, to show a refused form again."""
        return dict(reversed(self.fields))

    def _named(self, wanted: str) -> Iterator[str]:
        return (value for name, value in self.fields if name == wanted)


async def read_form(request: Request) -> Form:
    """The form that one of our own pages sent.  Raises `RequestError`."""
    if not _is_own(request):
        raise RequestError("this form was sent from another site", status=403)
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _MAX_BYTES:
        raise RequestError("the form is too large", status=413)
    async with request.form(max_files=0, max_fields=_MAX_FIELDS) as form:
        return Form(tuple((name, value) for name, value in form.multi_items() if isinstance(value, str)))


def local_path(wanted: str) -> str:
    """The path of ours that somebody wants to go on to, or home where it would lead to another site."""
    # Browsers take `\` for `/` and leave out control characters, so `/\elsewhere` is an address elsewhere.
    is_plain = wanted.isprintable() and "\\" not in wanted and len(wanted) <= LONGEST_PATH
    if is_plain and wanted.startswith("/") and not wanted.startswith("//"):
        return wanted
    return _HOME


def is_chosen(request: Request) -> bool:
    """Whether somebody chose to come here, by a link or by an address that they typed or had bookmarked;
    no picture, frame or script of another site had the browser come.
    """
    destination = request.headers.get("sec-fetch-dest", "document")
    site = request.headers.get("sec-fetch-site", "none")
    return destination == "document" and (site in _ITSELF or request.headers.get("sec-fetch-user") == "?1")


def _is_own(request: Request) -> bool:
    """Whether a browser says that one of our pages sent this; tools that are no browsers say nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in _ITSELF
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
