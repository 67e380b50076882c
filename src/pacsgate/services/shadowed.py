"""The use cases that decide requests, noting each for the shadow once it is decided.

Called by the doors in place of the plain ones; put there by `bootstrap`.

Invariants:
- the answer is that of the plain use case.
"""

from dataclasses import dataclass

from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports import StudyIndex
from pacsgate.services.freshness import Freshness
from pacsgate.services.orthanc_names import NamedResource
from pacsgate.services.orthanc_reach import OrthancReach
from pacsgate.services.resolve import Reach, Refusal, Resolver
from pacsgate.services.resolve_many import ResolveMany, Wanted
from pacsgate.services.search import Findings, Search
from pacsgate.services.shadow_policy import Asked, ShadowPolicy


class ShadowedResolver(Resolver):
    """A `Resolver` whose questions the shadow hears."""

    def __init__(self, freshness: Freshness, shadow: ShadowPolicy) -> None:
        super().__init__(freshness)
        self._shadow = shadow

    def reach(
        self, scope: TenantScope, archive: ArchiveName, key: ResourceKey, action: Action, bound: Bound
    ) -> Reach | Refusal:
        """Resolve, then note."""
        found = super().reach(scope, archive, key, action, bound)
        self._shadow.note(Asked(scope, archive, action, bound, self._shadow.context_of(bound), key=key))
        return found


@dataclass(frozen=True, slots=True)
class ShadowedOrthancReach(OrthancReach):
    """An `OrthancReach` whose questions the shadow hears, about one study after another."""

    shadow: ShadowPolicy

    def among_studies(
        self, scope: TenantScope, archive: ArchiveName, named: NamedResource, action: Action, bound: Bound
    ) -> Reach | Refusal:
        """Resolve, then note."""
        # By its full name: `slots` makes the class anew, and `super()` would mean the first one.
        found = OrthancReach.among_studies(self, scope, archive, named, action, bound)
        context = self.shadow.context_of(bound)
        for key in named.keys:
            self.shadow.note(Asked(scope, archive, action, bound, context, key=key))
        return found


class ShadowedSearch(Search):
    """A `Search` whose questions the shadow hears."""

    def __init__(self, index: StudyIndex, shadow: ShadowPolicy) -> None:
        super().__init__(index)
        self._shadow = shadow

    def find(
        self, scope: TenantScope, archive: ArchiveName, query: Query, bound: Bound
    ) -> Findings | Refusal:
        """Search, then note."""
        found = super().find(scope, archive, query, bound)
        self._shadow.note(
            Asked(scope, archive, Action.SEARCH, bound, self._shadow.context_of(bound), query=query)
        )
        return found


class ShadowedResolveMany(ResolveMany):
    """A `ResolveMany` whose questions the shadow hears, one for each thing that is named."""

    def __init__(
        self,
        search: Search,
        freshness: Freshness,
        scope: TenantScope,
        archive: ArchiveName,
        bound: Bound,
        shadow: ShadowPolicy,
    ) -> None:
        super().__init__(search, freshness, scope, archive, bound)
        self._shadow = shadow

    def reach(self, wanted: Wanted, action: Action) -> Reach | Refusal:
        """Resolve, then note."""
        found = super().reach(wanted, action)
        context = self._shadow.context_of(self._bound)
        for key in wanted.keys:
            self._shadow.note(Asked(self._scope, self._archive, action, self._bound, context, key=key))
        return found
