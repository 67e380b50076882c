"""Orthanc's authorization plugin, as far as it asks anybody: a test double for the Orthanc that Debian does not have.

It follows what the plugin does in FilterHttpRequests and in its overrides of `/tools/find`, with the permissions that it
ships: a request of somebody with tokens becomes questions to the web service, and their answers "yes" or "no".  Bodies
are sent as libcurl sends them there: chunked, without a length.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

_OID = r"[a-f0-9-]+"
_LEVELS = {"patients": "patient", "studies": "study", "series": "series", "instances": "instance"}
_RESOURCE = re.compile(rf"/(patients|studies|series|instances)/({_OID})(/.*)?")
_DICOMWEB = re.compile(r"/dicom-web/studies/([.0-9]+)(/.*)?")
_LIST = re.compile(r"/(patients|studies|series|instances)/?")

Permissions = Sequence[tuple[str, str, str]]

DEFAULT_PERMISSIONS: Permissions = (
    ("post", "/auth/tokens/decode", ""),
    ("post", "/tools/lookup", ""),
    ("get", "/tools/generate-uid.*", ""),
    ("post", "/tools/find", "all|view"),
    ("get", "/(patients|studies|series|instances)(|/)", "all|view"),
    ("get", "/statistics", "all|view"),
    ("get", "/changes", "all|view"),
    ("get", "/system", "all|view"),
    ("get", "/plugins/.*", "all|view"),
    ("get", f"/(patients|studies|series|instances)/{_OID}(/.*)?", "all|view"),
    ("get", "/dicom-web/studies/[.0-9]+(/.*)?", "all|view"),
    ("put", "/auth/tokens/(viewer-instant-link|meddream-instant-link)", "all|view"),
    ("put", "/auth/tokens/(download-instant-link)", "all|download"),
    ("put", "/auth/tokens/(stone|meddream|osimis|ohif|volview)-viewer-publication", "all|share"),
    ("post", "/instances", "all|upload"),
    ("post", "/dicom-web/studies", "all|upload"),
    ("post", "/(peers|modalities)/.*/(store|store-straight)", "all|send"),
    ("get", "/dicom-web/(studies|series|instances)(|/)", "all|view"),
    ("post", f"/(patients|studies|series|instances)/{_OID}/(modify|merge).*", "all|modify"),
    ("post", f"/(patients|studies|series|instances)/{_OID}/anonymize.*", "all|anonymize"),
    ("put", f"/(patients|studies|series|instances)/{_OID}/labels/.*", "all|edit-labels"),
    ("delete", f"/(patients|studies|series|instances)/{_OID}", "all|delete"),
    ("post", "/tools/bulk-delete", "all|delete"),
    ("get", "/auth/settings/roles", "admin-permissions"),
    ("get", "/jobs", "admin-permissions"),
)


@dataclass(frozen=True)
class OrthancObject:
    """What Orthanc knows of an object: its names and those above it."""

    level: str
    orthanc_id: str
    uid: str
    labels: tuple[str, ...] = ()


@dataclass
class PluginSimulator:
    """The plugin of one Orthanc, and the web service that it asks."""

    root: str
    account: tuple[str, str] | None
    objects: Mapping[str, Sequence[OrthancObject]]
    """By Orthanc id or, for studies, by UID: the object and what is above it, the lowest first."""
    server: str | None = None
    permissions: Permissions = DEFAULT_PERMISSIONS
    checked_levels: frozenset[str] = frozenset({"study"})
    asked: list[tuple[str, dict[str, Any], Any]] = field(default_factory=list)
    """Every question with its answer."""

    # ---------------------------------------------------------------- the plugin's decision

    def allows(self, method: str, path: str, tokens: Mapping[str, str] | None = None) -> bool:
        """Whether a request passes; every failure of the web service is "no"."""
        try:
            return self._allows(method.lower(), path, dict(tokens or {}))
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return False

    def _allows(self, method: str, path: str, tokens: dict[str, str]) -> bool:
        needed = next(
            (row[2] for row in self.permissions if row[0] == method and re.fullmatch(row[1], path)), None
        )
        if needed is not None:
            permitted = False
            for key, value in list(tokens.items()) or [("", "")]:
                profile = self.profile(key, value)
                names = set(profile["permissions"])
                if needed and not names & set(needed.split("|")):
                    permitted = False
                    continue
                if "*" not in profile["authorized-labels"]:
                    if method == "get" and _LIST.fullmatch(path):
                        return False
                    checked = self._checked(path)
                    if checked and not set(checked[0].labels) & set(profile["authorized-labels"]):
                        return False
                permitted = True
            if permitted:
                return True
        checked = self._checked(path)
        questions = [self._about(method, one) for one in checked] or [
            {"method": method, "level": "system", "uri": path}
        ]
        granted = all(self._granted(question, tokens) for question in questions)
        if granted and checked:
            return True
        return (method, path) == ("get", "/dicom-web/studies")

    def finds(
        self, tokens: Mapping[str, str] | None = None, study: str | None = None
    ) -> Sequence[str] | None:
        """The StudyInstanceUIDs to which the override confines a find at study level; `None` is "all of them".

        Raises `PermissionError` where the plugin answers 403.
        """
        presented = dict(tokens or {}) or {"": ""}
        for key, value in presented.items():
            profile = self.profile(key, value)
            if "*" in profile["authorized-labels"]:
                return None
            if profile["authorized-labels"]:
                raise PermissionError("labels")
            if study is not None:
                named = [one for one in self.objects[study] if one.level == "study"]
                if all(self._granted(self._about("get", one), {key: value}) for one in named):
                    return [study]
                continue
            decoded = self.post("tokens/decode", {"token-key": key, "token-value": value})
            uids = [one["dicom-uid"] for one in decoded.get("resources") or ()]
            if uids:
                return uids
        raise PermissionError("does not have access to any labels")

    def _checked(self, path: str) -> Sequence[OrthancObject]:
        found = _RESOURCE.fullmatch(path) or _DICOMWEB.fullmatch(path)
        if found is None:
            return ()
        name = found[2] if found.re is _RESOURCE else found[1]
        chain = self.objects[name]
        if found.re is _RESOURCE and chain[0].level != _LEVELS[found[1]]:
            raise KeyError(name)
        return [one for one in chain if one.level in self.checked_levels]

    def _about(self, method: str, one: OrthancObject) -> dict[str, Any]:
        labels = {"labels": list(one.labels)} if one.labels else {}
        return {
            "method": method,
            "level": one.level,
            "orthanc-id": one.orthanc_id,
            "dicom-uid": one.uid,
            **labels,
        }

    def _granted(self, question: dict[str, Any], tokens: Mapping[str, str]) -> bool:
        for key, value in list(tokens.items()) or [(None, None)]:
            token = {} if key is None else {"token-key": key, "token-value": value}
            headers = {} if key is None or (key == "Authorization" and self.account) else {key: str(value)}
            answer = self.post("tokens/validate", {**question, **token, "server-id": self.server}, headers)
            if not isinstance(answer["granted"], bool):
                raise TypeError("granted")
            _whole_seconds(answer.get("validity", 0), at_least=0)
            if answer["granted"]:
                return True
        return False

    # ---------------------------------------------------------------- its questions

    def profile(self, key: str, value: str) -> dict[str, Any]:
        """Ask who presents a token, as strictly as the plugin reads the answer."""
        asked = {"token-key": key, "token-value": value, "server-id": self.server}
        answer: dict[str, Any] = self.post("user/get-profile", asked)
        if not isinstance(answer["name"], str):
            raise TypeError("name")
        for names in (answer["permissions"], answer["authorized-labels"]):
            if not all(isinstance(name, str) for name in names):
                raise TypeError("strings")
        _whole_seconds(answer["validity"], at_least=1)
        return answer

    def mint(self, purpose: str, **asked: Any) -> dict[str, Any]:
        """Ask for a link, as for a client whose own request has passed."""
        body = {"type": purpose, "server-id": self.server, **asked}
        return dict(self.post(f"tokens/{purpose}", body, method="PUT"))

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Any:
        """One question; raises for every answer that is not 2xx with JSON."""
        sent = requests.Request(
            method,
            f"{self.root}/{path}",
            data=_chunks(requests.compat.json.dumps(body).encode()),
            auth=self.account,
            headers={"Content-Type": "application/json", "Expect": "", **(headers or {})},
        )
        with requests.Session() as session:
            session.trust_env = False
            response = session.send(session.prepare_request(sent), timeout=10)
        response.raise_for_status()
        answer = response.json()
        self.asked.append((path, dict(body), answer))
        return answer


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 50):
        yield body[start : start + 50]


def _whole_seconds(value: object, *, at_least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise TypeError("validity")
