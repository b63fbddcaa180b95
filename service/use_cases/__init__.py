"""What the service does, one verb a module: SQL is in db, HTTP is in routes."""
