"""The demo's people and studies move into a new installation, through the same use cases as everybody.

Called by `command` and by the tests; where the studies are in an archive already, only `hire` and `classify`.
"""

import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO

from rich.console import Console
from rich.progress import track

from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.demo.hospital import DemoPerson, DemoStudy, people
from pacsgate.config import Settings
from pacsgate.dicom.summarise import read_summary
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.resource import DEFAULT_TENANT, ResourceKey, TenantName
from pacsgate.policy.origin import origin_facts
from pacsgate.ports import Arrival, Passwords
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from pacsgate.services.classify_study import ClassifyStudy

_PASSWORD_BYTES = 8
"""As hexadecimal digits, which every shell takes as they are."""
_MAX_OBJECT_BYTES = 64 * 1024**2


def move_in(
    settings: Settings,
    objects: Mapping[DemoStudy, Iterable[bytes]],
    *,
    progress: bool,
    passwords: Passwords | None = None,
    tenant: TenantName = DEFAULT_TENANT,
    staff: Sequence[DemoPerson] | None = None,
) -> Mapping[str, str]:
    """Publish the policy, make the accounts and store the studies; returns each person's new password.

    `objects` holds the DICOM files of each study; `passwords` hashes in another way than usual.  It is the
    main archive of the tenant into which they move; `staff` are others than the demo's people.
    """
    with open_installation(settings, "demo", tenant) as installation:
        now = installation.clock.now()
        chosen = hire(installation, now, passwords, staff)
        console = Console(file=sys.stderr)
        for study in track(
            objects,
            description="filling the archive",
            console=console,
            disable=not (progress and console.is_terminal),
            transient=True,
        ):
            _admit(installation, study, objects[study])
            classify(installation, study, now)
    return chosen


def hire(
    installation: Installation,
    now: datetime,
    passwords: Passwords | None = None,
    staff: Sequence[DemoPerson] | None = None,
) -> Mapping[str, str]:
    """Publish the policy and make everybody's account; returns each person's new password."""
    PolicyWatch(installation).publish()
    hired = people() if staff is None else staff
    chosen = {person.name: secrets.token_hex(_PASSWORD_BYTES) for person in hired}
    users = UserAdministration(installation.office, passwords or Argon2Passwords())
    change = Change(installation.scope, installation.actor(), now)
    for person in hired:
        _hire_one(users, change, person, chosen[person.name], now)
    return chosen


def _hire_one(
    users: UserAdministration, change: Change, person: DemoPerson, password: str, now: datetime
) -> None:
    users.add(
        change,
        person.name,
        kind=person.kind,
        display_name=person.display_name,
        password=password,
        groups=person.groups,
        attributes=person.attributes,
    )
    for assignment in person.assignments(now):
        users.assign(change, person.name, assignment)


def _admit(installation: Installation, study: DemoStudy, objects: Iterable[bytes]) -> None:
    name = installation.main_archive
    archive = installation.archives.by_name[name]
    arrivals = []
    for data in objects:
        summary = read_summary(BytesIO(data))
        with archive.spool.begin(_MAX_OBJECT_BYTES) as incoming:
            incoming.write(data)
            spooled = incoming.finish()
            key = ResourceKey(
                summary.study_instance_uid, summary.series_instance_uid, summary.sop_instance_uid
            )
            archive.store(key, spooled.path, spooled.digest)
        arrivals.append(Arrival(summary, spooled.size, spooled.digest, cursor=""))
    installation.indexer.add(installation.scope, name, arrivals, origin=origin_facts(study.stored_by or ""))


def classify(installation: Installation, study: DemoStudy, now: datetime) -> None:
    """Give an indexed study the labels and collections that administrators would."""
    if study.labels or study.collections:
        ClassifyStudy(installation.office, installation.stores.index).change(
            Change(installation.scope, installation.actor(), now),
            installation.main_archive,
            study.study_instance_uid,
            labels=study.labels,
            collections=study.collections,
        )
