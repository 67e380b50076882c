"""What of a dcm4chee hears of what happens: its stylesheets, and the store rules of its successor.

Called by `installation`, for every process that stores or receives, and by the import.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pacsgate.config import Settings
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.model.stylesheet import StylesheetName
from pacsgate.policy.foreign.dcm4chee.store_labels import StoreLabels, read_store_labels
from pacsgate.ports.occurrences import Occurrence, Occurrences
from pacsgate.services.store_labels import StoreLabelling
from pacsgate.services.study_permissions import StudyPermissionAdministration
from pacsgate.services.stylesheet_grants import StylesheetGrants
from pacsgate.stylesheets.runner import StylesheetRunner

if TYPE_CHECKING:
    from pacsgate.bootstrap.installation import Installation


@dataclass(frozen=True, slots=True)
class HeardBy:
    """Passes on what happens in one tenant, and nothing of others."""

    scope: TenantScope
    listener: Occurrences

    def happened(self, occurrence: Occurrence) -> None:
        """Pass it on."""
        if occurrence.scope == self.scope:
            self.listener.happened(occurrence)


def dcm4chee_listeners(installation: "Installation", runner: StylesheetRunner) -> Iterator[Occurrences]:
    """What came of the dcm4chee of the tenant `default`.

    Labels first: what stylesheets give is given on what the study is by then.
    """
    for listener in _listeners(installation, runner):
        yield HeardBy(TenantScope(DEFAULT_TENANT), listener)


def _listeners(installation: "Installation", runner: StylesheetRunner) -> Iterator[Occurrences]:
    stores = installation.stores
    rules = store_labels(installation.settings)
    if rules is not None:
        yield StoreLabelling(rules, stores.index, stores.outbox, installation.trail)
    yield StylesheetGrants(
        runner,
        lambda: StudyPermissionAdministration(installation.office),
        installation.policies,
        installation.trail,
    )


def check_dcm4chee(settings: Settings) -> None:
    """Raise `SettingsError` or `PolicyError` for a stylesheet or a store rule that could never run."""
    store_labels(settings)
    runner = stylesheet_runner(settings.dcm4chee.stylesheets)
    try:
        runner.check()
    finally:
        runner.close()


def store_labels(settings: Settings) -> StoreLabels | None:
    """The rules of the configuration, if it names any."""
    path = settings.dcm4chee.store_labels
    return None if path is None else read_store_labels(path.name, _text(path))


def stylesheet_runner(paths: Mapping[StylesheetName, Path]) -> StylesheetRunner:
    """The stylesheets of some files.  Raises `SettingsError`."""
    return StylesheetRunner({name: _text(path) for name, path in paths.items()})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"cannot read `{path}`: it is not UTF-8 text") from error
