"""The two lists of tables: tenant tables and system tables. The start refuses a table in neither."""

from typing import Final

TENANT_TABLES: Final = frozenset(
    {
        "practice",
        "practice_revision",
        "practice_key",
        "therapist",
        "invitation",
        "device",
        "sign_in",
        "token",
        "security_event",
        "write_ledger",
        "tombstone",
        "client",
        "client_key",
        "place",
        "route",
        "route_version",
        "route_feature",
        "route_stretches",
        "route_alternatives",
        "last_resort",
        "session",
        "session_change",
        "track",
        "recording",
        "moment",
        "note",
    }
)
"""Each row belongs to one practice: practice_id leads every key, row-level security is forced."""

SYSTEM_TABLES: Final = frozenset(
    {
        "practice_directory",
        "sign_in_index",
        "throttle",
        "installation",
        "migration_ledger",
        "definition_ledger",
    }
)
"""Rows belong to the installation; nothing in them is clinical."""
