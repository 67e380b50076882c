"""Asks pacsgate inside Orthanc, before Orthanc answers a request.

For Orthanc's Python plugin: name this file as `PythonScript`, and give Orthanc's configuration a section

    "Pacsgate": {
      "Url": "http://127.0.0.1:8042",
      "Root": "/orthanc",
      "Token": "pgt_…",
      "Account": "gate:password"
    }

`Url` is the gate, `Root` where the gate serves this very Orthanc, `Token` that of an enforcement point,
`Account` what the gate itself signs in with here.  Keep that file from others; Orthanc's own
`AuthenticationEnabled` is false.  `pacsgate orthanc config --way script` prints all of it.

A script can say yes or no, and sees neither bodies nor answers.  So it lets through what is safe
unseen, as pacsgate's `/auth/check` says, and nothing else: GET of one object that the client may have
whole, and lists for who may see everything.  Whoever may see a part asks the gate itself for lists.
Orthanc answers every "no" with 403.

Whatever goes wrong is "no": no configuration, no gate, no answer in time.
"""

# ruff: noqa: INP001 - Orthanc runs this file by itself
import base64
import hmac
import http.client
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

import orthanc

SECONDS = 10
"""As long as Orthanc's own authorization plugin waits."""
PASSED_ON = ("authorization", "cookie", "accept", "pacsgate-purpose", "pacsgate-reason")
"""What the gate needs to know of the client."""

_settings = json.loads(orthanc.GetConfiguration()).get("Pacsgate", {})
_gate = urllib.parse.urlsplit(_settings.get("Url", ""))


def _is_the_gate(headers: Mapping[str, str]) -> bool:
    """Whether the gate itself asks, with its own account."""
    account = base64.b64encode(_settings["Account"].encode()).decode()
    return hmac.compare_digest(headers.get("authorization", "").encode(), f"Basic {account}".encode())


def _may_pass(uri: str, arguments: Mapping[str, str], headers: Mapping[str, str], address: str) -> bool:
    """Whether the gate says that this GET is safe unseen."""
    target = _settings["Root"] + urllib.parse.quote(uri)
    if arguments:
        target += "?" + urllib.parse.urlencode(arguments)
    connect = http.client.HTTPSConnection if _gate.scheme == "https" else http.client.HTTPConnection
    connection = connect(_gate.hostname, _gate.port, timeout=SECONDS)
    question = {name: headers[name] for name in PASSED_ON if name in headers}
    question["Pacsgate-Enforcement-Point"] = "Bearer " + _settings["Token"]
    question["X-Original-Method"] = "GET"
    question["X-Original-URI"] = target
    before = [headers["x-forwarded-for"]] if "x-forwarded-for" in headers else []
    question["X-Forwarded-For"] = ", ".join([*before, address])
    try:
        connection.request("GET", "/auth/check", headers=question)
        return connection.getresponse().status == 200
    finally:
        connection.close()


def _filter(uri: str, **request: Any) -> bool:
    """Answer Orthanc; must return a bool and never raise."""
    try:
        headers = {name.lower(): value for name, value in request["headers"].items()}
        if _is_the_gate(headers):
            return True
        # The method is the effective one, whatever header or argument overrides it.
        if request["method"] != orthanc.HttpMethod.GET:
            return False
        return _may_pass(uri, request.get("get") or {}, headers, request["ip"])
    except Exception as error:  # noqa: BLE001 - the outermost edge: whatever broke, the answer is no
        orthanc.LogWarning(f"pacsgate: denied, since asking failed: {type(error).__name__}")
        return False


if not _settings:
    orthanc.LogError("pacsgate: the section `Pacsgate` is missing: every request is denied")
orthanc.RegisterIncomingHttpRequestFilter(_filter)
