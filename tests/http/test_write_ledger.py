"""A write's key is kept for 30 days and then deleted, a few at a time; a create's id is kept for good."""

from typing import Final
from uuid import UUID, uuid4

from tests.http.look import Look
from tests.http.world import Phone, World

CREATES: Final = UUID(int=0)
WRITES: Final = 8
"""Every eighth write deletes old keys."""
SWEPT_AT_ONCE: Final = 16

AGED = """
    UPDATE write_ledger
       SET written_at = now() - make_interval(days => $2)
     WHERE practice_id = $1
"""
ADD_OLD = """
    INSERT INTO write_ledger (practice_id, scope, key, fingerprint, revision, written_at)
    SELECT $1, gen_random_uuid(), 'old ' || number, '', 1, now() - interval '40 days'
      FROM generate_series(1, $2) AS number
"""
KEYS = "SELECT scope, key FROM write_ledger WHERE practice_id = $1"
PLAN = """
    EXPLAIN (FORMAT TEXT)
     SELECT scope, key
       FROM write_ledger
      WHERE practice_id = $1
        AND scope <> '00000000-0000-0000-0000-000000000000'
        AND written_at < now() - interval '30 days'
      ORDER BY written_at
      LIMIT 16
"""


def write_often(phone: Phone, times: int = WRITES) -> None:
    for number in range(times):
        new = {"id": str(uuid4()), "kind": "room", "name": f"Room {number}"}
        assert phone.post("/v1/places", new).status_code == 201


def keys_of(look: Look, practice_id: UUID) -> set[tuple[UUID, str]]:
    return {(row["scope"], row["key"]) for row in look.rows(KEYS, practice_id)}


def test_keys_older_than_30_days_go_and_younger_ones_stay(world: World, look: Look) -> None:
    renamed = {"Idempotency-Key": "renamed"}
    assert world.ada.patch("/v1/practice", {"name": "Weir"}, headers=renamed).status_code == 200
    look.rows(AGED, world.practice_id, 29)
    write_often(world.ada)
    assert "renamed" in {key for _, key in keys_of(look, world.practice_id)}
    look.rows(AGED, world.practice_id, 31)
    write_often(world.ada)
    assert "renamed" not in {key for _, key in keys_of(look, world.practice_id)}


def test_a_create_is_known_for_good(world: World, look: Look) -> None:
    new = {"id": str(uuid4()), "kind": "room", "name": "Loft"}
    assert world.ada.post("/v1/places", new).status_code == 201
    look.rows(AGED, world.practice_id, 4_000)
    write_often(world.ada)
    assert (CREATES, new["id"]) in keys_of(look, world.practice_id)
    assert world.ada.post("/v1/places", new).status_code == 200
    assert world.ada.post("/v1/places", {**new, "name": "Cellar"}).status_code == 409


def test_old_keys_go_in_small_steps_and_only_those_of_the_practice_that_writes(
    world: World, look: Look
) -> None:
    other = UUID(world.cleo.tokens["practice_id"])
    for practice_id in (world.practice_id, other):
        look.rows(ADD_OLD, practice_id, 3 * SWEPT_AT_ONCE)
    counts = []
    for _ in range(3):
        write_often(world.ada)
        counts.append(sum(key.startswith("old ") for _, key in keys_of(look, world.practice_id)))
    assert counts == [2 * SWEPT_AT_ONCE, SWEPT_AT_ONCE, 0]
    assert sum(key.startswith("old ") for _, key in keys_of(look, other)) == 3 * SWEPT_AT_ONCE


def test_finding_old_keys_reads_an_index_and_not_the_ledger(world: World, look: Look) -> None:
    look.rows(ADD_OLD, world.practice_id, 5_000)
    look.rows("ANALYZE write_ledger")
    plan = "\n".join(row["QUERY PLAN"] for row in look.rows(PLAN, world.practice_id))
    assert "Index Scan using write_ledger_by_age" in plan
