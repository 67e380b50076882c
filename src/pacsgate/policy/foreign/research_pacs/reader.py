"""A permissions file becomes roles, rules, assignments and instance filters.

Each profile becomes one role, and each assignment gives its roles to its users and
to the members of its groups.  Profiles are permits, so somebody with several has
what any of them gives; `profiles` says what that is.

Read more strictly than by its first reader, where that one fails open: unknown
keys, unknown attributes in a filter, methods and paths that can never match are
errors.  In an assignment, both `Profiles` (as its code has it) and `Permissions` (as
its documentation has it) name the profiles.

Called by `pacsgate.policy.document`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydicom.datadict import keyword_dict

from pacsgate.model.role import Assignment
from pacsgate.policy.foreign.reading import Foreign
from pacsgate.policy.foreign.research_pacs.patterns import PathPatterns, read_path_patterns
from pacsgate.policy.foreign.research_pacs.profiles import Profile, left_of, role_of, rules_of
from pacsgate.policy.foreign.research_pacs.shapes import one_or_more
from pacsgate.policy.instance_query.reading import QueryError, read_query
from pacsgate.policy.instance_query.tree import InstanceQuery, unknown_names
from pacsgate.policy.language.fields import entries, fields, items, text
from pacsgate.policy.language.problems import Problems, did_you_mean, quoted
from pacsgate.policy.language.yaml_text import Node, TextNode, parse_yaml
from pacsgate.policy.policy import PolicyAssignment

_FILE = ("Profiles", "Permissions")
_PROFILE = ("Description", "OrthancPathPatterns", "DICOMQueryFilter")
_ASSIGNMENT = ("Users", "Groups", "Profiles", "Permissions")


def read_research_pacs(files: Mapping[str, str], problems: Problems) -> Foreign:
    """Read permissions files, by name; several say one thing together."""
    found = _Found()
    nodes = [parse_yaml(name, files[name], problems) for name in sorted(files)]
    documents = [
        fields(node, "a permissions file", _FILE, problems, required=_FILE)
        for node in nodes
        if node is not None
    ]
    for document in documents:
        if "Profiles" in document:
            found.read_profiles(document["Profiles"], problems)
    for document in documents:
        if "Permissions" in document:
            found.read_assignments(document["Permissions"], problems)
    profiles = [found.profiles[name] for name in sorted(found.profiles)]
    return Foreign(
        roles=tuple(role_of(profile) for profile in profiles),
        rules=tuple(rule for profile in profiles for rule in rules_of(profile)),
        assignments=tuple(found.assignments),
        role_places={role_of(profile).name: profile.position.place for profile in profiles},
        filters={profile.filter_id: profile.filter for profile in profiles if profile.filter is not None},
        left=tuple(one for profile in profiles for one in left_of(profile)),
    )


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    assignments: list[PolicyAssignment] = field(default_factory=list)

    def read_profiles(self, node: Node, problems: Problems) -> None:
        for key, value in entries(node, "`Profiles`", problems):
            profile = _profile(key, value, problems)
            earlier = self.profiles.get(key.text)
            if earlier is not None:
                problems.add(
                    key.position,
                    f"profile {quoted(key.text)} is here a second time; first at {earlier.position.place}",
                )
            else:
                self.profiles[key.text] = profile

    def read_assignments(self, node: Node, problems: Problems) -> None:
        for item in items(node, "`Permissions`", problems):
            given = fields(item, "an assignment", _ASSIGNMENT, problems)
            users, groups = (
                frozenset(name for name, _ in one_or_more(given.get(key), f"`{key}`", problems))
                for key in ("Users", "Groups")
            )
            if given and "Users" not in given and "Groups" not in given:
                problems.add(item.position, "an assignment needs `Users` or `Groups`")
            for name, named in _named_profiles(given, item, problems):
                profile = self.profiles.get(name)
                if profile is None:
                    problems.add(
                        named.position, f"unknown profile {quoted(name)}", did_you_mean(name, self.profiles)
                    )
                else:
                    assignment = Assignment(role_of(profile).name)
                    self.assignments.append(PolicyAssignment(users, groups, assignment, item.position.place))


def _named_profiles(
    given: Mapping[str, Node], item: Node, problems: Problems
) -> Iterator[tuple[str, TextNode]]:
    keys = [key for key in ("Profiles", "Permissions") if key in given]
    if given and len(keys) != 1:
        problems.add(item.position, "an assignment names its profiles once", "write `Profiles`")
        return
    for key in keys:
        yield from one_or_more(given[key], f"`{key}`", problems)


def _profile(key: TextNode, node: Node, problems: Problems) -> Profile:
    if not key.text.isprintable() or not key.text.strip():
        problems.add(key.position, f"{quoted(key.text)} is no name for a profile")
    given = fields(node, f"profile {quoted(key.text)}", _PROFILE, problems, required=("Description",))
    description = text(given["Description"], "`Description`", problems) if "Description" in given else None
    patterns: PathPatterns | None = None
    if "OrthancPathPatterns" in given:
        patterns = read_path_patterns(given["OrthancPathPatterns"], problems)
    query: InstanceQuery | None = None
    if "DICOMQueryFilter" in given:
        query = _filter(given["DICOMQueryFilter"], problems)
        if query is not None and patterns is not None:
            problems.add(
                given["DICOMQueryFilter"].position,
                "a profile has `OrthancPathPatterns` or a `DICOMQueryFilter`, not both",
                "make two profiles of it",
            )
    return Profile(key.text, key.position, description, patterns, query)


def _filter(node: Node, problems: Problems) -> InstanceQuery | None:
    """The filter; `None` for an empty one, which is no filter."""
    if not isinstance(node, TextNode):
        problems.add(node.position, "`DICOMQueryFilter` must be a text")
        return None
    if not node.text:
        return None
    if not node.text.strip():
        problems.add(node.position, "`DICOMQueryFilter` is blank", "write `''` for all instances")
        return None
    try:
        query = read_query(node.text)
    except QueryError as error:
        problems.add(node.position_at(error.offset), f"the query cannot be read here: {error.message}")
        return None
    # What is unknown is absent from every object, and so would match whatever is asked with a `Not`.
    for name in unknown_names(query):
        problems.add(
            node.position_at(max(node.text.find(name), 0)),
            f"no DICOM attribute has the keyword {quoted(name)}",
            did_you_mean(name, keyword_dict),
        )
    return query
