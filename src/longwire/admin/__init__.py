"""The operator's view of a running system, over HTTP: JSON, and a page that shows it.

    from longwire import admin

    admin.mount(app, server, authorize=is_operator)

Every answer is computed from live objects when it is asked for. See docs/guides/admin.md.
"""

from longwire.admin.access import AdminDenied, Authorize, only_users
from longwire.admin.mounting import mount
from longwire.admin.rooms import Redact

__all__ = ["AdminDenied", "Authorize", "Redact", "mount", "only_users"]
