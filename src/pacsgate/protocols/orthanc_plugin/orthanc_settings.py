"""What to write into Orthanc's configuration so that the gate is the only way to it.

Three ways: the gate in front of Orthanc, a proxy beside the gate that asks it, or a plugin inside
Orthanc that asks it.  In every way Orthanc runs no script of a client, keeps what it has, and takes
images only from stations that it knows.

Printed by `pacsgate orthanc config`.

Standard: Orthanc's own `orthanc.json`, 1.10 to 1.13.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from pacsgate.protocols.orthanc_plugin import permissions

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


class Way(StrEnum):
    """How the gate guards an Orthanc."""

    FRONT = "front"
    """Clients reach the gate, and only the gate reaches Orthanc."""
    PROXY = "nginx"
    """Clients reach a proxy (nginx, Traefik, Envoy), which asks the gate and reaches Orthanc as well."""
    PLUGIN = "plugin"
    """Clients reach Orthanc, whose authorization plugin asks the gate."""
    SCRIPT = "script"
    """Clients reach Orthanc, whose Python plugin runs the script that asks the gate."""


_HARDENED: Mapping[str, Json] = {
    "ExecuteLuaEnabled": False,
    "RestApiWriteToFileSystemEnabled": False,
    "WebDavEnabled": False,
    "OverwriteInstances": False,
    "HttpsVerifyPeers": True,
    "DicomAlwaysAllowEcho": False,
    "DicomAlwaysAllowStore": False,
    "DicomAlwaysAllowFind": False,
    "DicomAlwaysAllowFindWorklist": False,
    "DicomAlwaysAllowGet": False,
    "DicomAlwaysAllowMove": False,
    "DicomCheckCalledAet": True,
    "DicomCheckModalityHost": True,
}


_KEPT_WITHIN = frozenset({"DicomWeb"})
"""Sections of which what is not said here stays as it was."""


def laid_over(existing: Mapping[str, Json], fragment: Mapping[str, Json]) -> Mapping[str, Json]:
    """One whole configuration; accounts and tables of the existing one are replaced, not added to."""
    merged = dict(existing)
    for name, value in fragment.items():
        before = existing.get(name)
        if name in _KEPT_WITHIN and isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[name] = {**before, **value}
        else:
            merged[name] = value
    return merged


def behind(port: int, *, remote: bool, accounts: Mapping[str, str]) -> Mapping[str, Json]:
    """An Orthanc that only the gate, and a proxy that asks it, reach; `accounts` hold their passwords."""
    return {
        **_HARDENED,
        "HttpPort": port,
        "RemoteAccessAllowed": remote,
        "AuthenticationEnabled": bool(accounts),
        "RegisteredUsers": dict(accounts),
        "KeepAlive": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
    }


# An Orthanc that asks by a plugin has no accounts of its own, and one that failed to load the plugin tells
# everybody everything.  So it answers its own machine alone until somebody who has looked says otherwise.


def asking_by_plugin(*, gate_url: str, server: str, account: str, password: str) -> Mapping[str, Json]:
    """An Orthanc whose authorization plugin asks the gate about every request."""
    return {
        **_HARDENED,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Authorization": {
            "WebServiceRootUrl": f"{gate_url}/auth/orthanc/",
            "WebServiceUsername": account,
            "WebServicePassword": password,
            "WebServiceIdentifier": server,
            "StandardConfigurations": ["stone-webviewer", "orthanc-explorer-2", "ohif"],
            "TokenHttpHeaders": ["api-key"],
            "CheckedLevel": "studies",
            "Permissions": permissions.written(),
        },
    }


def asking_by_script(
    *, script: str, gate_url: str, root: str, token: str, account: str
) -> Mapping[str, Json]:
    """An Orthanc whose Python plugin runs the script of `deploy/orthanc`; `account` is the gate's own."""
    return {
        **_HARDENED,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "PythonScript": script,
        "Pacsgate": {"Url": gate_url, "Root": root, "Token": token, "Account": account},
    }
