"""Every registered statement by its name, and the tenant tables it touches."""

import importlib
import pkgutil
import re
from typing import Final

import service
from service.foundation.database.query import Statement
from service.foundation.database.tables import TENANT_TABLES


def found_statements() -> dict[str, Statement]:
    """Return every statement of the service by module and constant."""
    found = {}
    for module_info in pkgutil.walk_packages(service.__path__, "service."):
        module = importlib.import_module(module_info.name)
        for constant, value in vars(module).items():
            if isinstance(value, Statement):
                found[f"{module_info.name.removeprefix('service.')}.{constant}"] = value
    return found


STATEMENTS: Final = found_statements()

TABLE: Final = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?([a-z_]+)(?:\s+(?:AS\s+)?([a-z_]+))?")
WORDS: Final = {"where", "set", "join", "on", "left", "order", "limit", "values", "returning", "for", "cross"}


def tables_of(sql: str) -> dict[str, str]:
    """Return the tenant tables a statement touches, and by which name it calls them."""
    found = {}
    for table, alias in TABLE.findall(sql):
        if table in TENANT_TABLES:
            found[table] = alias if alias and alias.lower() not in WORDS else table
    return found
