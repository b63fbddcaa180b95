"""Each rule of the lint finds what it is for, and nothing in a correct file."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / ".ci" / "lint_migrations.py"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lint_migrations", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LINT = load_script()

GOOD = """-- A gate, which nobody should MERGE INTO anything; ON DELETE SET NULL is not used.
CREATE TABLE gate (
    practice_id uuid NOT NULL,
    id          uuid NOT NULL,
    note_id     uuid,
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, note_id) REFERENCES note (practice_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE gate IS 'Tenant: a gate; don''t TRUNCATE it.';
CREATE POLICY own_practice ON gate FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
CREATE VIEW gates WITH (security_invoker = true) AS SELECT id FROM gate;
CREATE FUNCTION touch(p_practice uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE gate SET id = id WHERE practice_id = p_practice;
END $$;
"""

BACKFILL = "-- towpath: as migrator\nUPDATE therapist SET role = 'owner', since = now();\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_migration_as_it_should_be_passes() -> None:
    assert list(LINT.lint_file("0001_gate.sql", GOOD)) == []
    assert list(LINT.lint_file("0002_since.sql", BACKFILL)) == []


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (
            "ALTER TABLE gate ADD FOREIGN KEY (a, b) REFERENCES note ON DELETE\n SET NULL (b);",
            "ON DELETE SET NULL",
        ),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1;", "SECURITY DEFINER"),
        ("CREATE TRIGGER t AFTER INSERT ON gate EXECUTE FUNCTION f();", "CREATE TRIGGER"),
        (
            "create or replace constraint trigger t AFTER INSERT ON gate EXECUTE FUNCTION f();",
            "constraint trigger",
        ),
        ("CREATE RULE r AS ON INSERT TO gate DO NOTHING;", "CREATE RULE"),
        ("MERGE INTO gate USING note ON true WHEN MATCHED THEN DELETE;", "MERGE INTO"),
        (
            "INSERT INTO gate SELECT id FROM unnest(ARRAY[1]) AS id;",
            "INSERT INTO gate SELECT id FROM unnest(",
        ),
        ("COPY gate FROM STDIN;", "COPY gate FROM"),
        ("CREATE FUNCTION f() AS $$ UPDATE gate SET a = clock_timestamp() $$;", "clock_timestamp("),
        ("CREATE FUNCTION f() AS $$ SELECT pg_notify('a', 'b') $$;", "pg_notify("),
        ("NOTIFY gates;", "NOTIFY"),
        ("SELECT pg_advisory_xact_lock(1);", "pg_advisory_xact_lock"),
        ("CREATE FUNCTION f() AS $$ UPDATE gate SET practice_id = p $$;", "SET practice_id ="),
        ("CREATE POLICY p ON gate USING (id IN (SELECT id FROM note));", "CREATE POLICY p ON gate"),
        ("ALTER TABLE gate DISABLE ROW LEVEL SECURITY;", "DISABLE ROW LEVEL SECURITY"),
        ("ALTER TABLE gate NO FORCE ROW LEVEL SECURITY;", "NO FORCE ROW LEVEL SECURITY"),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1;", "CREATE MATERIALIZED VIEW"),
        ("CREATE VIEW v AS SELECT id FROM gate;", "CREATE VIEW v AS"),
        ("ALTER TABLE gate SET UNLOGGED;", "UNLOGGED"),
        ("TRUNCATE gate;", "TRUNCATE"),
        ("CREATE EXTENSION postgis;", "CREATE EXTENSION"),
        ("SET LOCAL ROLE postgres;", "SET LOCAL ROLE"),
        ("SELECT 1; UPDATE gate SET a = 1;", "UPDATE: forced row-level security"),
        ("DELETE FROM gate;", "DELETE: forced row-level security"),
        ("-- towpath: as migrator\nCREATE INDEX i ON gate (practice_id);", "CREATE: it would belong"),
        ("CREATE TABLE gate (id uuid);\nCOMMENT ON TABLE gates IS 'Others.';", "gate lacks COMMENT ON TABLE"),
    ],
)
def test_what_has_no_place_in_a_migration_is_found(bad: str, found: str) -> None:
    (finding,) = LINT.lint_file("0001_gate.sql", bad)
    assert found in finding


def test_a_finding_names_the_line_it_is_on() -> None:
    (finding,) = LINT.lint_file("0002_gate.sql", GOOD + "\nTRUNCATE gate;\n")
    assert finding.startswith(f"0002_gate.sql:{GOOD.count(chr(10)) + 2}: TRUNCATE: ")


@pytest.mark.parametrize("names", [["0001_a.sql", "0003_b.sql"], ["0001_a.sql", "0001_b.sql"], ["1_a.sql"]])
def test_a_gap_or_a_doubled_number_is_found(names: list[str]) -> None:
    assert list(LINT.lint_names(names))
    assert list(LINT.lint_names(["0002_b.sql", "0001_a.sql"])) == []


FUNCTION = """-- towpath: distributed by p_practice
CREATE OR REPLACE FUNCTION width(p_practice uuid, p_id uuid) RETURNS integer LANGUAGE sql AS $$ SELECT 3; $$;
COMMENT ON FUNCTION width IS 'Metres; a gate''s.';
"""
POLICY = """DROP POLICY IF EXISTS own ON gate;
CREATE POLICY own ON gate
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
"""


def test_definitions_as_they_should_be_pass() -> None:
    assert list(LINT.lint_definition("functions", "width.sql", FUNCTION)) == []
    assert list(LINT.lint_definition("policies", "gates.sql", POLICY)) == []
    assert (
        list(LINT.lint_policies({"gates.sql": POLICY, "benches.sql": POLICY.replace("gate", "bench")})) == []
    )


@pytest.mark.parametrize(
    ("folder", "bad", "found"),
    [
        (
            "policies",
            POLICY + "ALTER TABLE gate ADD a int;",
            "gates.sql:4: ALTER TABLE gate ADD a int: a migr",
        ),
        ("policies", FUNCTION, "gates.sql:2: CREATE OR REPLACE FUNCTION width"),
        ("functions", FUNCTION + "DROP FUNCTION height;", "DROP FUNCTION height: a migration does that"),
        ("functions", FUNCTION.replace("OR REPLACE ", ""), "CREATE FUNCTION width"),
        ("functions", FUNCTION + "GRANT EXECUTE ON FUNCTION width TO PUBLIC;", "GRANT EXECUTE"),
    ],
)
def test_what_a_migration_does_has_no_place_in_a_definition(folder: str, bad: str, found: str) -> None:
    name = "gates.sql" if folder == "policies" else "width.sql"
    assert any(found in each for each in LINT.lint_definition(folder, name, bad))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("FUNCTION width(", "FUNCTION height(", "does not define width alone"),
        ("(p_practice uuid, ", "(p_id text, ", "with the practice (uuid) first"),
        ("by p_practice", "by p_id", "p_id is not its first argument"),
    ],
)
def test_a_function_is_its_files_and_takes_the_practice_first(old: str, new: str, found: str) -> None:
    assert found in "".join(LINT.lint_definition("functions", "width.sql", FUNCTION.replace(old, new)))


def test_a_table_with_policies_in_two_files_is_found() -> None:
    (finding,) = LINT.lint_policies({"benches.sql": POLICY, "gates.sql": POLICY})
    assert "gates.sql:1: gate has policies in benches.sql too" in finding


def test_squawk_is_asked_as_well(tmp_path: Path) -> None:
    (tmp_path / "0001_gate.sql").write_text(GOOD + "\nCOMMIT;\n")
    done = run(tmp_path)
    assert done.returncode == 1
    assert f"0001_gate.sql:{GOOD.count(chr(10)) + 2}: transaction-nesting" in done.stdout
    assert run(tmp_path, "--without-squawk").returncode == 0


def test_a_squawk_that_cannot_run_is_a_failure_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0001_gate.sql").write_text(GOOD)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["lint_migrations.py", str(tmp_path)])
    assert LINT.main() == 1
    assert "squawk cannot run here" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["lint_migrations.py", "--without-squawk", str(tmp_path)])
    assert LINT.main() == 0


def test_the_project_s_own_migrations_pass() -> None:
    done = run(SCRIPT.parents[1] / "migrations")
    assert (done.stdout, done.returncode) == ("", 0)
