"""What every subject stands on: the database, keys, tenants, pages, retry-safe writes, threads."""
