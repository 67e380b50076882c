"""Named permissions on the system itself, as opposed to actions on images.

Holding a role in a scope *is* having its named permissions there.
"""

from enum import StrEnum


class Permission(StrEnum):
    """One administrative operation that a role may carry."""

    AUDIT_READ = "AuditRead"
    """Read, search, verify and export the trail."""
    POLICY_PUBLISH = "PolicyPublish"
    """Activate a policy revision."""
    USER_LIST = "UserList"
    """See user accounts and their roles."""
    USER_ADMINISTER = "UserAdminister"
    """Create, disable, lock and unlock users, and reset passwords."""
    ACCOUNT_PROVISION = "AccountProvision"
    """As the service account of a source, keep the source's accounts and groups (SCIM), and no others."""
    ROLE_ASSIGN = "RoleAssign"
    """Give a role to, or take it from, a user or group."""
    ROLE_ADMINISTER = "RoleAdminister"
    """Define, change and remove roles that no policy file defines."""
    DEVICE_ADMINISTER = "DeviceAdminister"
    """Add, change, remove, lock and unlock devices: remote application entities."""
    GRANT_ADMINISTER = "GrantAdminister"
    """Give or revoke grants and study permissions on any patient, study, series and collection."""
    GRANT_OWN = "GrantOwn"
    """Give or revoke study permissions for what one may do oneself to a study, to roles that one has."""
    GRANT_PROPAGATE = "GrantPropagate"
    """With `GrantOwn`, give them to any role, group or user."""
    GRANT_BY_ORDER = "GrantByOrder"
    """As a device, say by messages and procedure steps who gets a permission, by rules and stylesheets."""
    TOKEN_ADMINISTER = "TokenAdminister"  # noqa: S105 - a name, not a secret
    """Issue and revoke API tokens of others."""
    INDEX_SYNC = "IndexSync"
    """Fill the study index from an archive."""
    EVALUATE_FOR_OTHERS = "EvaluateForOthers"
    """As an enforcement point, ask what others may do (AuthZEN); for service and device accounts only."""
    REMOTE_QUERY = "RemoteQuery"
    """Ask other archives (modalities, peers, servers) what they hold, through the guarded one."""
    JOB_ADMINISTER = "JobAdminister"
    """See and control the jobs that others started in a guarded archive."""
    ARCHIVE_CONFIGURE = "ArchiveConfigure"
    """Change a guarded archive's own settings: its modalities, peers, servers and log levels."""
    ARCHIVE_OPERATE = "ArchiveOperate"
    """Restart, shut down or rebuild a guarded archive, or run scripts in it: who may do this may do all."""
