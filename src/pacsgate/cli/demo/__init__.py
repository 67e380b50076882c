"""The demo's hospital: its people, its studies and its policy.

A small hospital in which every rule of the policy has somebody whom it concerns.  The people and the
studies S1 to S8 are those that the project's acceptance checks speak of; the others bring what those
lack: partly visible studies, objects without pixels, names in other scripts, two patients who share an id.

Nothing here is random: the same seed gives the same UIDs, so that a saved link still works tomorrow.

Called by the `demo` command and, as one common cast, by the tests.
"""
