"""PostgreSQL: the pool, transactions, queries, migrations, roles, backup, the embedded server."""
