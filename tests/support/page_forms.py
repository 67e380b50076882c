"""The forms on a page, as a browser without scripts would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """Where it goes, and what is in it before anybody types."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None
        self._select: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in given}
        name, value = said.get("name", ""), said.get("value", "")
        if tag == "form":
            self._open = Form(said.get("action", ""), said.get("method", "get").lower())
            self.found.append(self._open)
        elif self._open is None:
            return
        elif tag == "select":
            self._select = name
            self._open.fields[name] = []
        elif tag == "option" and self._select is not None:
            if "selected" in said or not self._open.fields[self._select]:
                self._open.fields[self._select] = [value]
        elif tag == "textarea":
            self._area = name
            self._open.fields[name] = [""]
        elif name and tag in {"input", "button"}:
            is_ticked = said.get("type") not in {"checkbox", "radio"} or "checked" in said
            self._open.fields.setdefault(name, []).extend([value] if is_ticked else [])

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._area is not None:
            self._open.fields[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None


def forms_on(page: str) -> list[Form]:
    """Every form of a page, without the token that a session adds."""
    reader = _Forms()
    reader.feed(page)
    for form in reader.found:
        form.fields.pop("csrf_token", None)
    return reader.found
