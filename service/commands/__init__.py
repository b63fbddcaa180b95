"""The `towpath` command, one module a subcommand."""
