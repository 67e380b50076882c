"""The protocol of Orthanc's authorization plugin (0.5 to 0.11), on the side of the service that it asks.

The plugin sees a method and a path, turns them into a permission name or into the names of
objects, and asks.  It answers nothing of what it asks about; so it can be told no more than yes or no.
"""
