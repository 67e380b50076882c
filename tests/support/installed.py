"""A small installation without doors: an embedded archive with some objects, indexed under a policy."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from tests.support.objects import Part10

NOBODYS = "version: 1\n"
"""A policy that permits nothing."""


@contextmanager
def installed(
    directory: Path,
    objects: Iterable[Part10] = (),
    *,
    policy: str = NOBODYS,
    permissions: str | None = None,
    settings: str = "",
) -> Iterator[Installation]:
    """Make it and open it; `permissions` is a permissions file of Research PACS on AWS beside the policy.

    `settings` are further lines of the configuration.
    """
    config = make_installation(directory / "gate", policy=policy)
    if permissions is not None:
        (config.parent / "permissions.yaml").write_text(permissions, encoding="utf-8")
        with config.open("a", encoding="utf-8") as file:
            file.write("foreign_policies: [{format: research-pacs, path: permissions.yaml}]\n")
    if settings:
        with config.open("a", encoding="utf-8") as file:
            file.write(settings)
    with open_installation(read_settings(config), "test") as installation:
        PolicyWatch(installation).publish()
        add(installation, objects)
        yield installation


def main_archive(installation: Installation) -> ArchiveName:
    return installation.main_archive


def add(installation: Installation, objects: Iterable[Part10]) -> None:
    """Put objects into the archive, and index whatever it holds."""
    archive = installation.archives.by_name[main_archive(installation)]
    spool = installation.archives.spools[main_archive(installation)]
    for one in objects:
        path = spool.new_path()
        path.write_bytes(one.data)
        archive.store(one.key, path, one.digest)
    installation.sync.sync(installation.scope, main_archive(installation))


def save(installation: Installation, files: Mapping[str, str]) -> None:
    """Save policy files as an administrator does, and publish them."""
    for name, text in files.items():
        (installation.settings.policy.parent / name).write_text(text, encoding="utf-8")
    PolicyWatch(installation).publish()


def bound(installation: Installation, name: str, *groups: str) -> Bound:
    """What the live policy leaves for somebody."""
    subject = Subject(tenant=DEFAULT_TENANT, name=name, groups=frozenset(groups))
    context = Context(now=installation.clock.now(), request_id="r")
    return installation.policies.bind(installation.scope, subject, context, main_archive(installation))
