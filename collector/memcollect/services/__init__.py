"""A sandbox's processes as the services that its user knows them by."""

from memcollect.services.group import with_services
from memcollect.services.table import Entry, default_table, parse_table

__all__ = ["Entry", "default_table", "parse_table", "with_services"]
