"""What all subjects use: database, keys, tenants, pages, retry-safe writes, threads."""
