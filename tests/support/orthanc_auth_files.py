"""Permissions files of orthanc-auth-service: the roles that it ships, and one of every permission."""

PERMISSIONS = """\
{
  // roles of the realm
  "roles": {
    "admin-role": {
      "authorized-labels": ["*"],
      "permissions": ["view", "download", "delete", "send", "modify", "anonymize", "upload",
        "q-r-remote-modalities", "settings", "api-view", "edit-labels", "admin-permissions",
        "audit-logs", "worklists", "share"]
    },
    "doctor-role": {
      "authorized_labels": ["*"], /* as older files spell it */
      "permissions": ["view", "download", "share", "send", "upload"]
    },
    "external-role": {"authorized-labels": ["external"], "permissions": ["view", "download", "upload"]},
    "partner": {"authorized-labels": ["trial-7", "trial-8"], "permissions": ["all"]},
    "looker": {"authorized-labels": ["trial-7"], "permissions": ["view"]},
    "labeller": {"authorized-labels": ["trial-8"], "permissions": ["view", "edit-labels"]},
    "forwarder": {"authorized-labels": ["*"], "permissions": ["view", "send"]},
    "sender only": {"authorized-labels": [], "permissions": ["upload"]}
  },
  "available-labels": ["external", "trial-7", "trial-8"]
}
"""

SOURCES = {"orthanc-auth:permissions.json": PERMISSIONS}
