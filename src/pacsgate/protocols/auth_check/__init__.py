"""The questions of proxies that stand in front of an archive, and which of them can be answered unseen.

A proxy asks about a request before it passes it on.  It shows no body, changes no answer, and
passes the archive's own answer to the client: so "yes" means "all of it".
"""
