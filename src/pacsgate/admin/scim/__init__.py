"""The SCIM service at `/scim/v2`: where a source's client keeps its accounts and groups.

Behind the door of the control plane; the client is a service account that the configuration binds to
one source, and sees nothing of any other.
"""
