"""How large a policy may be.

Whatever exceeds these bounds was not written for a hospital, and is refused with its
place before it can cost time or memory.
"""

SOURCE_LENGTH = 2_000_000
"""Characters of one file.  Two thousand rules are about 600,000."""
YAML_DEPTH = 12
"""Lists and mappings inside each other; the language itself needs seven."""
RULES = 5_000
"""Rules of all files together."""
ASSIGNMENTS = 20_000
"""Assignments of all files together, one for each role that one item gives."""
SECTION_LENGTH = 20_000
"""Items of one list of a section, such as `rules` or `assignments`."""
LIST_LENGTH = 10_000
"""Items of one list in YAML, such as the users of an assignment."""
OPTIONS = 1_000
"""Values in one list of a condition."""
ATTRIBUTES = 200
"""Declared attributes of all files together."""
SOURCES = 5
"""Elements that one attribute may take its value from."""
LABEL_PATTERNS = 1_000
"""Patterns for labels of all files together; each is asked of each object that arrives."""
REQUEST_PATTERNS = 1_000
"""Different request patterns of all files together; each is asked of each request."""
INSTANCE_FILTERS = 1_000
"""Different instance filters of all files together; each is asked of each object that arrives."""
GRANT_RULES = 1_000
"""Grant rules of all files together; each is asked whenever something happens."""
AUTHENTICATION_RULES = 200
"""Rules about strength of all files together; each is asked of each subject."""
TEMPLATES = 100
"""Templates of all files together."""
INHERITANCE = 10
"""Roles above each other."""
CONDITION_LENGTH = 16_000
"""Characters of one condition."""
CONDITION_ATOMS = 200
"""Comparisons in one condition."""
CONDITION_DEPTH = 24
"""Formulas inside each other in one condition."""
PATTERN_LENGTH = 200
"""Characters of one pattern."""
TABLE_LENGTH = 10_000
"""Rows of one map; a hospital has some hundred departments."""
PROBLEMS = 100
"""After this many problems reading on helps nobody."""
