"""The file of expectations that stands beside a policy.

```yaml
tests:
  - name: a radiologist does not see another department
    subject: {user: rad1, roles: [radiologist], attributes: {department: CT-A}}
    action: view
    study: {department: MR-B, labels: []}
    expect: deny
```

Facts are named as conditions name them, without `study.` and `series.`; one that is not
given has no value, a set that is not given is not known, but for `derived_labels` where
`labels` are given: these are then all.  A study without `series` is asked about as such.

Called by the command line.

Invariants:
- a fact or attribute that the policy does not know is an error: a test that
  asks about a misspelt attribute proves nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pacsgate.model.actions import Action
from pacsgate.model.context import Context, RequestLine
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Attributes, Credential, Scalar, Subject, Values
from pacsgate.policy.environment import BUILT_INS
from pacsgate.policy.expectations import Expectation
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.instance_query.reading import QueryError, read_query
from pacsgate.policy.instance_query.tree import query_id
from pacsgate.policy.ir import DERIVED_LABELS, FILTERS, FILTERS_ASKED, LABELS, Attribute, Scope, ValueType
from pacsgate.policy.language.attributes import literal
from pacsgate.policy.language.fields import entries, fields, instant, items, names, one_choice, text, texts
from pacsgate.policy.language.problems import Problems, did_you_mean, quoted
from pacsgate.policy.language.yaml_text import ListNode, Node, parse_yaml
from pacsgate.policy.policy import Policy
from pacsgate.policy.values import number_from

_FIELDS = ("name", "subject", "context", "archive", "action", "study", "series", "expect", "rule")
_OF_A_SUBJECT = ("user", "roles", "groups", "attributes", "zones", "authentication", "authenticated")
_OF_A_CONTEXT = (
    *("now", "network", "purpose", "reason", "risk", "request"),
    *("calling_ae_title", "called_ae_title"),
)
_ARCHIVE = "main"


class _Expected(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


def load_expectations(file: str, source: str, policy: Policy, now: datetime) -> tuple[Expectation, ...]:
    """Read expectations; those without a time of their own are asked at `now`.

    Raises `PolicyError` with every problem.
    """
    problems = Problems()
    node = parse_yaml(file, source, problems)
    given = fields(node, "the file", ("tests",), problems, required=("tests",)) if node is not None else {}
    reader = _Reader(policy, now, problems)
    listed = items(given["tests"], "`tests`", problems) if "tests" in given else ()
    found = tuple(expectation for item in listed for expectation in reader.expectation(item))
    problems.raise_if_any()
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    policy: Policy
    now: datetime
    problems: Problems

    def expectation(self, node: Node) -> Iterator[Expectation]:
        """One expectation; none, and a problem, where it cannot be read."""
        problems = self.problems
        required = ("name", "subject", "action", "study", "expect")
        given = fields(node, "a test", _FIELDS, problems, required=required)
        if any(field not in given for field in required):
            return
        name = text(given["name"], "`name`", problems)
        action = one_choice(given["action"], Action, "action", problems)
        expected = one_choice(given["expect"], _Expected, "answer", problems)
        series = self._read(given["series"], Scope.SERIES) if "series" in given else None
        if series is not None and FILTERS.name in series:
            series = {FILTERS_ASKED.name: frozenset(self.policy.filters), **series}
        study = self._read(given["study"], Scope.STUDY)
        if LABELS.name in study:  # whoever says which labels there are means all of them
            study = {DERIVED_LABELS.name: frozenset(), **study}
        facts = ResourceFacts(study, series)
        subject = self._subject(given["subject"])
        context = self._context(given.get("context"))
        archive = text(given["archive"], "`archive`", problems) if "archive" in given else _ARCHIVE
        rule = self._rule(given["rule"]) if "rule" in given else None
        if name is not None and action is not None and expected is not None and archive is not None:
            yield Expectation(
                name=name,
                place=node.position.place,
                subject=subject,
                context=context,
                archive=ArchiveName(archive),
                action=action,
                facts=facts,
                allowed=expected is _Expected.ALLOW,
                rule=rule,
            )

    def _subject(self, node: Node) -> Subject:
        problems = self.problems
        given = fields(node, "a subject", _OF_A_SUBJECT, problems)
        roles = []
        for role, item in texts(given["roles"], "`roles`", problems) if "roles" in given else ():
            if role not in self.policy.roles:
                problems.add(
                    item.position, f"unknown role {quoted(role)}", did_you_mean(role, self.policy.roles)
                )
            roles.append(Assignment(role))
        level = int(self._number(given, "authentication") or 1)
        proven = instant(given.get("authenticated"), "`authenticated`", problems)
        return Subject(
            tenant=DEFAULT_TENANT,
            name=(text(given["user"], "`user`", problems) if "user" in given else None) or "somebody",
            assignments=tuple(roles),
            groups=names(given.get("groups"), "`groups`", problems),
            attributes=self._facts(given["attributes"], Scope.USER) if "attributes" in given else {},
            zones=names(given["zones"], "`zones`", problems) if "zones" in given else None,
            # Whoever tests what must be proven says what was; for all others it makes no difference.
            credential=Credential.SESSION if "authentication" in given else Credential.LOCAL,
            assurance_level=level,
            authenticated_at=proven,
            second_factor_at=proven if level > 1 else None,
        )

    def _context(self, node: Node | None) -> Context:
        problems = self.problems
        given = {} if node is None else fields(node, "a context", _OF_A_CONTEXT, problems)
        usual = Context(
            now=instant(given.get("now"), "`now`", problems) or self.now, request_id="policy test"
        )
        network, purpose, reason, calling, called = (
            text(given[field], f"`{field}`", problems) if field in given else None
            for field in ("network", "purpose", "reason", "calling_ae_title", "called_ae_title")
        )
        return replace(
            usual,
            network=network or usual.network,
            purpose=purpose or usual.purpose,
            reason=reason,
            calling_ae_title=calling,
            called_ae_title=called,
            risk=self._number(given, "risk"),
            request=self._request(given["request"]) if "request" in given else None,
        )

    def _number(self, given: Mapping[str, Node], field: str) -> float | None:
        written = text(given[field], f"`{field}`", self.problems) if field in given else None
        found = None if written is None else number_from(written)
        if written is not None and found is None:
            self.problems.add(given[field].position, f"`{field}` is not a number")
        return found

    def _request(self, node: Node) -> RequestLine | None:
        method, _, path = (text(node, "`request`", self.problems) or "").partition(" ")
        if not path.startswith("/"):
            self.problems.add(node.position, "`request` is not a request", "write `GET /studies/1.2.3`")
            return None
        return RequestLine(method, path)

    def _rule(self, node: Node) -> str | None:
        found = text(node, "`rule`", self.problems)
        known = [rule.rule_id for rule in self.policy.rules]
        if found is not None and found not in known:
            self.problems.add(node.position, f"unknown rule {quoted(found)}", did_you_mean(found, known))
        return found

    def _read(self, node: Node, scope: Scope) -> Attributes:
        """The facts of a study or series of which everything has been looked for."""
        looked_for = (each for each in self._known(scope).values() if each.type is not ValueType.SET)
        return {**{each.name: frozenset() for each in looked_for}, **self._facts(node, scope)}

    def _facts(self, node: Node, scope: Scope) -> Attributes:
        found: dict[str, Values] = {}
        known = self._known(scope)
        for key, value in entries(node, f"the facts of `{scope}`", self.problems):
            attribute = known.get(key.text)
            if attribute is None:
                self.problems.add(
                    key.position,
                    f"unknown attribute {quoted(f'{scope}.{key.text}')}",
                    did_you_mean(key.text, known),
                )
            else:
                found[key.text] = frozenset(self._values(attribute, value))
        return found

    def _known(self, scope: Scope) -> Mapping[str, Attribute]:
        declared = (declaration.attribute for declaration in self.policy.declarations.values())
        return {
            attribute.name: attribute
            for attribute in (*BUILT_INS, FILTERS, *declared)
            if attribute.scope is scope
        }

    def _values(self, attribute: Attribute, node: Node) -> Iterator[Scalar]:
        if attribute.type is ValueType.SET and not isinstance(node, ListNode):
            self.problems.add(node.position, f"`{attribute}` is a set", "write `[a, b]`, or `[]` for none")
            return
        for item in node.items if isinstance(node, ListNode) else [node]:
            written = text(item, f"`{attribute}`", self.problems)
            value = None if written is None else _value(attribute, written)
            if value is not None:
                yield value
            elif written is not None:
                self.problems.add(item.position, f"{quoted(written)} is not a {attribute.type}")


def _value(attribute: Attribute, written: str) -> Scalar | None:
    """A value as the file writes it; `None` when it is not one."""
    if attribute != FILTERS:
        return literal(written, attribute.type)
    try:
        return query_id(read_query(written))
    except QueryError:
        return None
