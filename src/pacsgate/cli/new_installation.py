"""The files of a new installation, with comments for whoever edits them first.

Called by `init` and `demo`.

Invariants:
- nothing that exists is overwritten;
- the keys lie outside the data directory, readable by their owner only.
"""

from pathlib import Path

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.cli.trial_authority import CERTIFICATE_NAME, make_trial_certificates
from pacsgate.cli.trial_authority import KEY_NAME as TLS_KEY_NAME
from pacsgate.identity.sealing import add_sealing_key
from pacsgate.model.errors import SettingsError
from pacsgate.sinks.signing_key import create_signing_key

CONFIG_NAME = "pacsgate.yaml"
POLICY_NAME = "policy.yaml"
KEY_NAME = "keys/trail.key"
SEALING_KEY_NAME = "keys/secrets.key"
AE_TITLE = "PACSGATE"
"""Under which the gate answers, until its configuration says otherwise."""

_CONFIG = """\
# A pacsgate installation.  `pacsgate config check` reads it without serving.
# Every setting: docs/reference/configuration.md.  Paths are relative to this file.
data: data
policy: {policy}
listeners:
  - {{host: {host}, port: {port}{tls}}}
workers: {workers}
archives:
  main: {{kind: folder, path: archive}}
networks:
  internal: [127.0.0.0/8, "::1/128", 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]
trail:
  manifest_key: {key}
# What seals secrets in the database; without a copy of it they are lost.
secrets:
  key_file: {sealing_key}
"""

_TLS = f", tls: {{certificate: {CERTIFICATE_NAME}, key: {TLS_KEY_NAME}}}"

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
    tls: bool = False,
) -> Path:
    """Write the files and return the configuration's path.  Raises `SettingsError` if one exists already.

    Without a `dicom_port` there is no DICOM door; with `tls` there is an authority for trying.
    """
    config = directory / CONFIG_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with config.open("x", encoding="utf-8") as file:
            file.write(
                _CONFIG.format(
                    policy=POLICY_NAME,
                    host=host,
                    port=port,
                    tls=_TLS if tls else "",
                    workers=workers,
                    key=KEY_NAME,
                    sealing_key=SEALING_KEY_NAME,
                )
            )
            if dicom_port is None:
                file.write(_DICOM_TO_COME)
            else:
                file.write(_DICOM.format(host=host, port=dicom_port, ae_title=AE_TITLE))
        with (directory / POLICY_NAME).open("x", encoding="utf-8") as file:
            file.write(policy)
        if tls:
            make_trial_certificates(directory, SystemClock().now())
    except FileExistsError as error:
        raise SettingsError(f"`{error.filename}` exists already: choose a new or empty directory") from error
    except OSError as error:
        raise SettingsError(f"cannot write to `{directory}`: {error.strerror}") from error
    create_signing_key(directory / KEY_NAME)
    if not (directory / SEALING_KEY_NAME).exists():
        add_sealing_key(directory / SEALING_KEY_NAME)
    return config
