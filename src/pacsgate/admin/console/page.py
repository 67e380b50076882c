"""How a page is made: a template, a status, and the headers that every page has.

A page says nothing that its caller did not hand it.  Scripts and styles are files of
`assets`, served under a name that changes with their content; none stand in a page.

Called by every module of pages; `assets` serves what templates name by `asset(...)`.

Invariants:
- no page can be framed, kept, or run a script that is not one of our files;
- a template that names a value nobody gave is an error, not an empty space.

Standard: Content Security Policy Level 3; OWASP ASVS 5.0 3.4 (browser security headers).
"""

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from pacsgate.admin.console.assets import asset_path
from pacsgate.admin.console.words import FILTERS

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in _POLICY.items()),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def page_headers() -> dict[str, str]:
    """The headers of a page."""
    return dict(_HEADERS)


def render(template: str, *, status: int = 200, **values: object) -> Response:
    """A page for whoever asks; `Visitor.render` makes those of somebody who is signed in."""
    given = {"visitor": None, "problem": "", "status": status, **values}
    text = _TEMPLATES.get_template(template).render(given)
    return Response(text, status_code=status, media_type="text/html", headers=page_headers())


def see_other(path: str) -> Response:
    """Send a browser on to a page of ours, by GET."""
    return RedirectResponse(path, status_code=303, headers=page_headers())


def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("pacsgate.admin.console"),
        autoescape=True,
        undefined=StrictUndefined,
        # While the package is replaced under a running gate, its pages stay those of its code.
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = asset_path
    made.filters.update(FILTERS)
    return made


_TEMPLATES = _templates()
