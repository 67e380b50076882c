"""The permissions file of Research PACS on AWS: profiles of path patterns or of instance filters.

Called by `pacsgate.policy.document`, through `reader`.
"""
