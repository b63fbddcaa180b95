"""Lint the SQL files: squawk for locks and types, our own rules for tenancy and for distributed tables.

    python .ci/lint_migrations.py [--without-squawk] [folder]

Exits with 1 when there is anything to say. What only a migrated database can tell (keys, policies, owners)
is refused at start-up, by service/foundation/database/checks.py.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"
AS_MIGRATOR: Final = re.compile(r"--\s*towpath:\s*as migrator\b")
DISTRIBUTED: Final = re.compile(r"--\s*towpath:\s*distributed by (\w+)")

NOT_ASKED_OF_SQUAWK: Final = {
    "require-lock-timeout": "the runner sets it for every file",
    "require-statement-timeout": "the runner sets it for every file",
    "prefer-bigint-over-int": "what counts up without end is bigint already; seconds and metres are bounded",
    "prefer-bigint-over-smallint": "same",
}


class Rule(NamedTuple):
    """Text that has no place in a migration, and what to write instead."""

    pattern: re.Pattern[str]
    said: str


def rule(pattern: str, said: str) -> Rule:
    """Return a rule; a blank in `pattern` stands for any white space."""
    return Rule(re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE), said)


EVERYWHERE: Final = (
    rule(r"\bON DELETE SET (NULL|DEFAULT)\b", "distributed tables refuse it: CASCADE, or clear it in code"),
    rule(r"\bSECURITY DEFINER\b", "it reads past the policies: leave it out"),
    rule(
        r"\bCREATE (OR REPLACE )?(CONSTRAINT |EVENT )?TRIGGER\b",
        "distributed tables refuse triggers: do it in code",
    ),
    rule(r"\bCREATE (OR REPLACE )?RULE\b", "rules are refused as triggers are: do it in code"),
    rule(r"\bMERGE INTO\b", "distributed tables refuse MERGE: INSERT … ON CONFLICT"),
    rule(
        r"\bINSERT\b[^;]*\bUNNEST\s*\(",
        "distributed tables refuse INSERT from unnest: VALUES of several rows",
    ),
    rule(r"\bCOPY\b[^;]*\bFROM\b", "policies refuse COPY: INSERT … VALUES"),
    rule(
        r"\bUPDATE\b[^;]*\bSET\b[^;]*\b(CLOCK_TIMESTAMP|TIMEOFDAY|RANDOM|GEN_RANDOM_UUID)\s*\(",
        "distributed tables refuse volatile functions in UPDATE: now(), or a value made outside",
    ),
    rule(r"\b(NOTIFY|LISTEN)\b|\bPG_NOTIFY\s*\(", "a notice stays on one node: let readers ask by revision"),
    rule(r"\bPG_(TRY_)?ADVISORY_\w*LOCK", "an advisory lock holds on one node only: lock a row"),
    rule(r"\bSET PRACTICE_ID\s*=", "a row never changes its practice: insert it anew"),
    rule(
        r"\bCREATE POLICY\b[^;]*\(\s*SELECT\b",
        "distributed tables refuse it: compare columns with settings only",
    ),
    rule(r"\b(DISABLE|NO FORCE) ROW LEVEL SECURITY\b", "a tenant table keeps row-level security forced"),
    rule(r"\bCREATE MATERIALIZED VIEW\b", "no policy guards its rows: a table, or no copy"),
    rule(
        r"\bCREATE (OR REPLACE )?VIEW\b(?:(?!\bAS\b|\bSECURITY_INVOKER\b)[^;])*\bAS\b",
        "it reads past the policies: WITH (security_invoker = true)",
    ),
    rule(r"\bUNLOGGED\b", "a crash empties it: an ordinary table"),
    rule(r"\bTRUNCATE\b", "no policy binds it: DELETE"),
    rule(r"\bCREATE EXTENSION\b", "Towpath runs on a server without extensions"),
    rule(
        r"\b(SET|RESET) (LOCAL |SESSION )?(ROLE|AUTHORIZATION)\b(?!\s*=)",
        "the runner decides who runs a file",
    ),
)

AS_OWNER_ONLY: Final = (
    rule(
        r"(?:\A|;)\s*(UPDATE|DELETE)\b",
        "forced row-level security hides every row from the owner, so this changes none: "
        "a file of its own that begins with '-- towpath: as migrator'",
    ),
)

AS_MIGRATOR_ONLY: Final = (
    rule(
        r"(?:\A|;)\s*(CREATE|ALTER|DROP|GRANT|REVOKE)\b", "it would belong to the migrator: a file of its own"
    ),
)

STATEMENT: Final = re.compile(r"[^;\s][^;]*")
ALLOWED: Final = {
    "policies": re.compile(
        r"DROP POLICY IF|CREATE POLICY \w+ ON|(GRANT|REVOKE) [A-Z, ]+ ON .* (TO|FROM) towpath_app",
        re.IGNORECASE,
    ),
    "functions": re.compile(r"CREATE OR REPLACE FUNCTION|COMMENT ON FUNCTION", re.IGNORECASE),
}
"""How a statement may begin in each folder of definitions: they are applied again whenever they change."""

NOT_CODE: Final = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
BODY: Final = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)
CREATE_TABLE: Final = re.compile(
    r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.]+)", re.IGNORECASE
)


def blank(pattern: re.Pattern[str], sql: str) -> str:
    """Return `sql` with every match emptied, and each line still where it was."""
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), sql)


def lint_names(names: list[str]) -> Iterator[str]:
    """Yield where the numbers do not go up by one from 0001."""
    for number, name in enumerate(sorted(names), start=1):
        if re.fullmatch(rf"{number:04}_[a-z0-9_]+\.sql", name) is None:
            yield f"{name}:1: expected {number:04}_what_it_does.sql here: rename or renumber"


def lint_file(name: str, sql: str) -> Iterator[str]:
    """Yield what one file holds that it must not, or lacks."""
    code = blank(NOT_CODE, sql)
    statements = blank(BODY, code)
    only = AS_MIGRATOR_ONLY if AS_MIGRATOR.match(sql) else AS_OWNER_ONLY
    for text, rules in ((code, EVERYWHERE), (statements, only)):
        for each in rules:
            for match in each.pattern.finditer(text):
                found = " ".join(match[0].strip("; \n").split())
                yield f"{name}:{line_of(match.end(), text)}: {found[:60]}: {each.said}"
    for match in CREATE_TABLE.finditer(statements):
        if re.search(rf"\bCOMMENT\s+ON\s+TABLE\s+{match[1]}\b", statements, re.IGNORECASE) is None:
            yield f"{name}:{line_of(match.end(), statements)}: {match[1]} lacks COMMENT ON TABLE: add it"


def lint_definition(folder: str, name: str, sql: str) -> Iterator[str]:
    """Yield what a file of policies or with a function holds that it must not, or lacks."""
    statements = blank(BODY, blank(NOT_CODE, sql))
    for match in STATEMENT.finditer(statements):
        words = " ".join(match[0].split())
        if ALLOWED[folder].match(words) is None:
            line = line_of(match.start(), statements)
            yield f"{folder}/{name}:{line}: {words[:60]}: a migration does that, not a definition"
    if folder == "functions":
        yield from _lint_function(name, sql, statements)


def _lint_function(name: str, sql: str, statements: str) -> Iterator[str]:
    function = name.removesuffix(".sql")
    created = re.findall(r"\bFUNCTION\s+(\w+)\s*\(\s*(\w+)\s+uuid\b", statements, re.IGNORECASE)
    if [each for each, _ in created] != [function]:
        yield f"functions/{name}:1: it does not define {function} alone, with the practice (uuid) first: do"
    marker = DISTRIBUTED.match(sql)
    if marker and marker[1] not in {argument for _, argument in created}:
        yield f"functions/{name}:1: {marker[1]} is not its first argument, the practice: name that"


def lint_policies(files: dict[str, str]) -> Iterator[str]:
    """Yield the tables with policies in two files: the one applied last would drop the other's."""
    owner: dict[str, str] = {}
    for name, sql in files.items():
        for table in re.findall(r"\bCREATE\s+POLICY\s+\w+\s+ON\s+(\w+)", blank(NOT_CODE, sql), re.IGNORECASE):
            if owner.setdefault(table, name) != name:
                yield f"policies/{name}:1: {table} has policies in {owner[table]} too: put them in one file"


def line_of(position: int, text: str) -> int:
    """Return the line, counted from 1, at `position` in `text`."""
    return text.count("\n", 0, position) + 1


def lint_with_squawk(paths: list[Path]) -> Iterator[str]:
    """Yield what squawk says. Raises OSError where it is missing or cannot run on this machine."""
    beside_python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    squawk = shutil.which("squawk", path=beside_python)
    if squawk is None:
        raise FileNotFoundError("not found")
    done = subprocess.run(  # noqa: S603  the program installed beside this Python, our own files
        [
            squawk,
            "--reporter=json",
            "--pg-version=15.0",
            "--assume-in-transaction",
            f"--exclude={','.join(NOT_ASKED_OF_SQUAWK)}",
            *paths,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise OSError(f"it ended with {done.returncode}: {done.stderr.strip()}")
    for each in json.loads(done.stdout):
        yield f"{Path(each['file']).name}:{each['line'] + 1}: {each['rule_name']}: {each['message']}"


def main() -> int:
    """Lint and print; return how the process ends."""
    parser = argparse.ArgumentParser(description="Lint the migrations.")
    parser.add_argument("folder", nargs="?", type=Path, default=MIGRATIONS)
    parser.add_argument("--without-squawk", action="store_true", help="where it cannot run on this machine")
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.glob("*.sql"))
    if not paths:
        parser.error(f"there is no migration in {arguments.folder}")
    findings = [*lint_names([path.name for path in paths])]
    definitions = [each for folder in ALLOWED for each in sorted(arguments.folder.glob(f"{folder}/*.sql"))]
    for path in (*paths, *definitions):
        findings += lint_file(path.name, path.read_text(encoding="utf-8"))
    texts = {path: path.read_text(encoding="utf-8") for path in definitions}
    for path, text in texts.items():
        findings += lint_definition(path.parent.name, path.name, text)
    findings += lint_policies(
        {path.name: text for path, text in texts.items() if path.parent.name == "policies"}
    )
    if not arguments.without_squawk:
        try:
            findings += lint_with_squawk([*paths, *definitions])
        except OSError as error:
            findings.append(f"squawk cannot run here ({error}): install it, or say --without-squawk")
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
