"""The `towpath` command."""

from service.commands.cli import towpath


def main() -> None:
    """Run the command line."""
    towpath(prog_name="towpath")


if __name__ == "__main__":
    main()
