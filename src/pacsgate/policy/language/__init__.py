"""The policy language: YAML with conditions that look like CEL, read into a `Policy`.

`yaml_text` turns a text into nodes that know their place; one module per section
of the document turns nodes into values; `conditions` turns a condition into a
formula.  Each says everything that is wrong, and where, to one `Problems`;
`pacsgate.policy.document` puts the parts together.

Invariants:
- no text whatever raises anything but `PolicyError`, and none takes more than
  the bounds of `limits` allow.
"""
