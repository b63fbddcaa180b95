"""`towpath openapi`."""

import difflib
from pathlib import Path

import click
import msgspec

from routes.http.openapi import openapi_document
from service.app import Composition, create_app
from service.foundation.crypto.key_file import KeyFile

LINES_SHOWN = 40


@click.command("openapi")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--check",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Compare with FILE instead.",
    metavar="FILE",
)
def command(path: Path | None, check: Path | None) -> None:
    """Print the OpenAPI document of the API, or write it to PATH. It needs no database.

    With --check it only compares. The exit code is 1 if FILE differs from this program's document.

    \b
    Examples:
      towpath openapi openapi/openapi.json
      towpath openapi --check openapi/openapi.json
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    document = _document()
    if check is not None:
        _compare(check, document)
    elif path is not None:
        path.write_text(document, encoding="utf-8")
    else:
        click.echo(document, nl=False)


def _document() -> str:
    app = create_app(Composition(dsn="", keys=KeyFile.new(), address=""))
    encoded = msgspec.json.encode(openapi_document(app))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _compare(path: Path, document: str) -> None:
    written = path.read_text(encoding="utf-8")
    lines = difflib.unified_diff(
        written.splitlines(), document.splitlines(), str(path), "this program", n=1, lineterm=""
    )
    differing = list(lines)
    if differing:
        click.echo("\n".join(differing[:LINES_SHOWN]))
        raise click.ClickException(f"{path} is not up to date: run `towpath openapi {path}` and commit it.")
