"""Each question of Orthanc's authorization plugin as one function: from who asks and a body to JSON.

A restricted user has a profile without any permission.  Then the plugin asks about the token and one object,
and the policy decides on that object, whole or not at all.  The plugin does not say what is fetched below
the object, and remembers the answer: so "yes" means reading it in every way.

They block (on the database, on the trail) and belong into a thread.

Made by `bootstrap`; called by the door.

Invariants:
- everything that is granted is on record before it is granted;
- nobody is granted anything but GET on an object, whatever his token is worth elsewhere;
- no answer is kept longer than what it rests on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.asked.plugin_presenters import VALIDITY_SECONDS, Presenter, Presenters
from pacsgate.gateway.http.passing import passing
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.presented import read_presented
from pacsgate.identity.shares import DeadShare, ShareText
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.protocols.orthanc_plugin import answers
from pacsgate.protocols.orthanc_plugin.answers import Json, Profile
from pacsgate.protocols.orthanc_plugin.purposes import PublicRoots, Purpose, link_url, opening_url
from pacsgate.protocols.orthanc_plugin.requests import (
    ObjectQuestion,
    read_link_request,
    read_object_question,
    read_presented_token,
    read_profile_question,
)
from pacsgate.services.administration import Change
from pacsgate.services.evaluate_for_others import may_ask_for_others
from pacsgate.services.plugin_profiles import READING, VIEW, permission_names
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.safe_unseen import SafeUnseen, Whole
from pacsgate.services.share_objects import LinkLimits, ShareObjects, covers, shareable, uid_of

NO_VALIDITY_SECONDS = 5
"""The same for a no, which a grant may make a yes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it came, and the account that puts it."""

    point: Subject
    context: Context
    body: bytes = field(repr=False)
    purpose: str = ""

    @property
    def scope(self) -> TenantScope:
        """The tenant of whoever asks, which is where everything is looked for."""
        return TenantScope(self.point.tenant)


@dataclass(frozen=True, slots=True)
class Links:
    """What the configuration of one archive says about links."""

    roots: PublicRoots
    limits: LinkLimits


@dataclass(frozen=True, slots=True)
class PluginAsking:
    """Answers the plugin."""

    gate: Gate
    safe: SafeUnseen
    presenters: Presenters
    shares: ShareObjects
    links: Mapping[ArchiveName, Links]
    """The archives whose configuration allows links."""

    def profile(self, asked: Asked) -> Json | Refusal:
        """Who somebody is."""
        question = read_profile_question(asked.body)
        archive = self._archive(asked, question.server)
        refused = self._refuse(asked, archive)
        if refused is not None or archive is None:
            return refused
        if question.user is not None:
            return self._display(asked, question.user)
        found = self._who(asked, question.presented, archive)
        if found is None or found.share is not None:
            return answers.profile(Profile(answers.NOBODY), NO_VALIDITY_SECONDS)
        names = permission_names(found.bound)
        self._record_profile(asked, archive, found, names)
        return answers.profile(
            Profile(
                name=found.subject.display_name or found.subject.name,
                user_id=found.subject.name,
                groups=tuple(sorted(found.subject.groups)),
                permissions=names,
                labels=(answers.EVERY_LABEL,) if VIEW in names else (),
            ),
            found.seconds,
        )

    def validate(self, asked: Asked) -> Json | Refusal:
        """Whether a token is good for one object."""
        question = read_object_question(asked.body)
        archive = self._archive(asked, question.server)
        refused = self._refuse(asked, archive)
        if refused is not None or archive is None:
            return refused
        no = answers.validation(granted=False, validity=NO_VALIDITY_SECONDS)
        if question.method != "get" or question.level is None:
            return no
        found = self._who(asked, question.presented, archive)
        if found is None:
            return no
        whole = self._whole(found, archive, question)
        if whole is None:
            return no
        self._record_whole(asked, archive, found, whole)
        return answers.validation(granted=True, validity=found.seconds)

    def decode(self, asked: Asked) -> Json | Refusal:
        """What a link is for."""
        refused = self._refuse(asked, self._main(asked), any_archive=True)
        if refused is not None:
            return refused
        presented = read_presented(read_presented_token(asked.body))
        if not isinstance(presented, ShareText):
            return answers.undecoded("unknown")
        live = self.presenters.share_door.verify(asked.scope, presented, asked.context.now)
        if isinstance(live, DeadShare):
            return answers.undecoded(live.value)
        record = live.record
        links, purpose = self.links.get(record.archive), Purpose(record.purpose)
        url = None if links is None else opening_url(purpose, record.objects, presented.text, links.roots)
        return answers.decoded(record.purpose, record.objects, url)

    def mint(self, asked: Asked) -> Json | Refusal:
        """A new link."""
        request = read_link_request(asked.body, asked.purpose)
        archive = self._archive(asked, request.server)
        refused = self._refuse(asked, archive)
        if refused is not None or archive is None:
            return refused
        links = self.links.get(archive)
        if links is None:
            raise RequestError("this archive hands out no links: its `links` are not configured", status=403)
        bound = self.gate.policies.bind(asked.scope, asked.point, asked.context, archive)
        objects = shareable(asked.scope, archive, request, bound, self.safe, self.gate.freshness)
        if isinstance(objects, Refusal):
            denial = self._of_point(asked, archive).denial(objects.reasons, action=Action.SHARE)
            self.gate.trail.record(denial)
            return replace(objects, message="the account of this Orthanc may not share one of these objects")
        issued = self.shares.issue(
            self._change(asked), asked.point.name, archive, request, objects, links.limits
        )
        url = link_url(Purpose(issued.record.purpose), objects, issued.text, links.roots)
        return answers.minted(issued.text, url)

    def roles(self, asked: Asked) -> Json | Refusal:
        """No roles, so that Orthanc Explorer 2 shows no page to edit them."""
        refused = self._refuse(asked, self._main(asked), any_archive=True)
        return answers.no_roles() if refused is None else refused

    # ---------------------------------------------------------------------------- who asks

    def _main(self, asked: Asked) -> ArchiveName:
        return self.gate.tenant_archives.main(asked.scope)

    def _archive(self, asked: Asked, server: str | None) -> ArchiveName | None:
        """The archive that is the plugin's server; `None` for one that is no Orthanc of its tenant's."""
        named = self._main(asked) if server is None else ArchiveName(server)
        return named if named in self._orthancs(asked) else None

    def _orthancs(self, asked: Asked) -> tuple[ArchiveName, ...]:
        has = self.gate.tenant_archives.has
        return tuple(name for name in self.gate.orthancs if has(asked.scope, name))

    def _refuse(
        self, asked: Asked, archive: ArchiveName | None, *, any_archive: bool = False
    ) -> Refusal | None:
        """Why the account may not ask, on record; `None` if it may."""
        archives = self._orthancs(asked) if any_archive else (archive,)
        bound: Bound | None = None
        for one in archives:
            if one is not None:
                bound = self.gate.policies.bind(asked.scope, asked.point, asked.context, one)
                if may_ask_for_others(asked.point, bound):
                    return None
        reasons = (Reason(ReasonCode.NO_PERMISSION),)
        details = {"permission": Permission.EVALUATE_FOR_OTHERS.value}
        self.gate.trail.record(self._of_point(asked, archive).denial(reasons, details=details))
        return Refusal(Answer.FORBIDDEN, reasons, None if bound is None else bound.revision)

    # ------------------------------------------------------------------------ who is asked about

    def _who(self, asked: Asked, presented: str, archive: ArchiveName) -> Presenter | None:
        return self.presenters.of(presented, asked.scope, archive, asked.context)

    def _whole(self, found: Presenter, archive: ArchiveName, question: ObjectQuestion) -> Whole | None:
        """The object, if the token is good for all of it."""
        if question.level is None:
            return None
        scope = TenantScope(found.subject.tenant)
        whole = self.safe.named(scope, archive, question.level, question.orthanc_id, READING, found.bound)
        if whole is None:
            return None
        named = self.safe.orthanc.names.resolve(scope, archive, question.level, question.orthanc_id)
        if named is None or uid_of(named.keys[0], question.level) != question.uid:
            return None
        if found.share is not None and not covers(found.share, question.level, named.keys[0]):
            return None
        return whole

    def _display(self, asked: Asked, user: str) -> Json:
        record = self.presenters.directory.user(asked.scope, user)
        if record is None:
            return None
        shown = Profile(record.display_name or record.name, record.name, tuple(sorted(record.groups)))
        return answers.profile(shown, VALIDITY_SECONDS)

    # ------------------------------------------------------------------------------ the record

    def _of_point(self, asked: Asked, archive: ArchiveName | None) -> Circumstances:
        return Circumstances(asked.context, actor_of(asked.point, asked.context), asked.point.tenant, archive)

    def _change(self, asked: Asked) -> Change:
        actor = actor_of(asked.point, asked.context)
        return Change(asked.scope, actor, asked.context.now, asked.context.request_id)

    def _record_profile(
        self, asked: Asked, archive: ArchiveName, found: Presenter, names: tuple[str, ...]
    ) -> None:
        details = {"subject": found.subject.name, "permissions": " ".join(names)}
        shared = replace(self._of_point(asked, archive), revision=found.bound.revision)
        self.gate.trail.record(shared.event(EventKind.EVALUATED, query="profile", details=details))

    def _record_whole(self, asked: Asked, archive: ArchiveName, found: Presenter, whole: Whole) -> None:
        """One window for each study; the plugin asks again every few seconds while somebody reads."""
        actor = actor_of(found.subject, found.context, found.bound.roles)
        tenant, revision = found.subject.tenant, found.bound.revision
        shared = Circumstances(found.context, actor, tenant, archive, revision)
        kind, reach = EventKind.INSTANCES_TRANSFERRED, whole.reach
        for event in passing(reach, shared, asked.point, kind, Action.RETRIEVE):
            reading = self.gate.windows.enter(event)
            try:
                if reading.opening is not None:
                    reading.opening.result()
            finally:
                reading.leave(instances=reach.instance_count, bytes_sent=0)
