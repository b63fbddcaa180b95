"""PostgreSQL: the pool, the queries by subject, migrations, the embedded server."""
