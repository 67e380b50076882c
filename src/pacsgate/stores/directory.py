"""The directory on SQL: `ports.Directory`, put together from its families of tables.

Called by `services` and `identity` through the port.
"""

from pacsgate.stores.people.grants import Grants
from pacsgate.stores.people.lockouts import Lockouts
from pacsgate.stores.people.role_givings import RoleGivingRows
from pacsgate.stores.people.roles import Roles
from pacsgate.stores.people.sessions import Sessions
from pacsgate.stores.people.tokens import Tokens
from pacsgate.stores.people.users import Users


class SqlDirectory(Users, RoleGivingRows, Roles, Tokens, Sessions, Grants, Lockouts):
    """`ports.Directory` on a `Database`."""
