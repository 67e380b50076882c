"""The process beside a PACS that nobody reaches from outside: it asks the gate what to do, and does it.

It only ever connects outwards.  What it cannot tell the gate now it keeps and tells later.

Put together by `bootstrap.agent`; started by `pacsgate agent`.
"""
