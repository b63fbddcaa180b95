"""The `towpath` command, with one module for each subcommand."""
