"""The pages for administrators: users, groups, roles, devices, grants and locks.

They do what `/api/v1` does, by the same use cases, with forms instead of JSON.
"""
