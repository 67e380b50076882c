"""How large a policy may be.

A policy is written by hand; whatever exceeds these bounds was not, and is refused
with its place before it can cost time or memory.
"""

SOURCE_LENGTH = 2_000_000
"""Characters of one file.  Two hundred rules are about 60,000."""
YAML_DEPTH = 12
"""Lists and mappings inside each other; the language itself needs five."""
LIST_LENGTH = 1_000
"""Items of one list, in YAML or in a condition."""
RULES = 1_000
"""Rules of all files together.  SQLite refuses expressions more than 1,000 deep."""
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
