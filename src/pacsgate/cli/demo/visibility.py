"""Who may see what in the demo's hospital, asked of the engine itself.

Called by `command` for what it prints.
"""

from collections.abc import Mapping, Sequence

from pacsgate.bootstrap.installation import Installation
from pacsgate.cli.demo.hospital import DemoStudy
from pacsgate.identity.subjects import subject_of
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.subject import Credential
from pacsgate.policy.engine import bind
from pacsgate.policy.reach import reached


def visible_studies(installation: Installation, among: Sequence[DemoStudy]) -> Mapping[str, tuple[str, ...]]:
    """Each account's studies, by their short names, in the order of `among`."""
    scope, archive = installation.scope, installation.main_archive
    policy = installation.policies.current(scope)
    context = Context(now=installation.clock.now(), request_id="demo", network="internal")
    entries = [
        (entry.study_instance_uid, [entry.facts_of(series) for series in entry.series])
        for entry in installation.stores.index.every_study(scope, archive)
    ]
    seen: dict[str, tuple[str, ...]] = {}
    for record in installation.stores.directory.users(scope):
        subject = subject_of(record, scope.tenant, Credential.PASSWORD, authenticated_at=context.now)
        bound = bind(policy, subject, context, archive, ())
        searchable = {study for study, parts in entries if reached(bound, Action.SEARCH, parts)}
        seen[record.name] = tuple(study.name for study in among if study.study_instance_uid in searchable)
    return seen
