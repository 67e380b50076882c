"""The files of a new installation, with comments for whoever edits them first.

Called by `init` and `demo`.

Invariants:
- nothing that exists is overwritten;
- the signing key lies outside the data directory, readable by its owner only.
"""

from pathlib import Path

from pacsgate.model.errors import SettingsError
from pacsgate.sinks.signing_key import create_signing_key

CONFIG_NAME = "pacsgate.yaml"
POLICY_NAME = "policy.yaml"
KEY_NAME = "keys/trail.key"
AE_TITLE = "PACSGATE"
"""Under which the gate answers, until its configuration says otherwise."""

_CONFIG = """\
# A pacsgate installation.  `pacsgate config check` reads it without serving.
# Every setting: docs/reference/configuration.md.  Paths are relative to this file.
data: data
policy: {policy}
listeners:
  - {{host: {host}, port: {port}}}
workers: {workers}
archives:
  main: {{kind: folder, path: archive}}
networks:
  internal: [127.0.0.0/8, "::1/128", 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]
trail:
  manifest_key: {key}
"""

_DICOM_TO_COME = """\
# DIMSE for modalities and workstations: docs/dimse.md.
# dicom:
#   listeners: [{host: 0.0.0.0, port: 11112}]
#   ae_titles:
#     PACSGATE: {archive: main}
"""

_DICOM = """\
dicom:
  listeners: [{{host: {host}, port: {port}}}]
  # Whoever reads the network reads passcodes: a hospital gives its listener `tls` instead.
  allow_cleartext_identity: true
  ae_titles:
    {ae_title}: {{archive: main}}
"""

_POLICY = """\
# Nothing is allowed until a rule here permits it.  docs/policy.md teaches the language.
version: 1
roles:
  reader:
    may: [search, view, retrieve]
rules:
  - id: readers-read-everything
    effect: permit
    roles: [reader]
"""


def make_installation(
    directory: Path,
    *,
    policy: str = _POLICY,
    host: str = "127.0.0.1",
    port: int = 8042,
    workers: int = 2,
    dicom_port: int | None = None,
) -> Path:
    """Write the files and return the configuration's path.  Raises `SettingsError` if one exists already.

    Without a `dicom_port` there is no DICOM door.
    """
    config = directory / CONFIG_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with config.open("x", encoding="utf-8") as file:
            file.write(
                _CONFIG.format(policy=POLICY_NAME, host=host, port=port, workers=workers, key=KEY_NAME)
            )
            if dicom_port is None:
                file.write(_DICOM_TO_COME)
            else:
                file.write(_DICOM.format(host=host, port=dicom_port, ae_title=AE_TITLE))
        with (directory / POLICY_NAME).open("x", encoding="utf-8") as file:
            file.write(policy)
    except FileExistsError as error:
        raise SettingsError(f"`{error.filename}` exists already: choose a new or empty directory") from error
    except OSError as error:
        raise SettingsError(f"cannot write to `{directory}`: {error.strerror}") from error
    create_signing_key(directory / KEY_NAME)
    return config
