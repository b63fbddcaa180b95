-- Begins every write in one round trip instead of three: from here on the practice's other writers wait.
-- It is plpgsql because each of its statements then sees what the writer it waited for has committed.
--
-- Every eighth write of a practice deletes up to 16 keys older than 30 days, so the ledger stops growing.
-- Creates (scope all zeros) stay: they keep the id of something deleted from being used again.
CREATE OR REPLACE FUNCTION enter_write(p_practice uuid, p_scope uuid, p_key text, p_fingerprint bytea)
RETURNS TABLE (
    revision bigint,
    known    bytea
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    next_revision bigint;
    known_as      bytea;
BEGIN
    UPDATE practice_revision
       SET revision = revision + 1
     WHERE practice_id = p_practice
 RETURNING revision INTO STRICT next_revision;
    IF p_key IS NOT NULL THEN
        INSERT INTO write_ledger (practice_id, scope, key, fingerprint, revision)
        VALUES (p_practice, p_scope, p_key, p_fingerprint, next_revision)
            ON CONFLICT (practice_id, scope, key) DO NOTHING;
        IF NOT FOUND THEN
            SELECT fingerprint
              INTO STRICT known_as
              FROM write_ledger
             WHERE practice_id = p_practice
               AND scope = p_scope
               AND key = p_key;
        END IF;
    END IF;
    IF next_revision % 8 = 0 THEN
        DELETE FROM write_ledger
         WHERE practice_id = p_practice
           AND (scope, key) IN (SELECT scope, key
                                  FROM write_ledger
                                 WHERE practice_id = p_practice
                                   AND scope <> '00000000-0000-0000-0000-000000000000'
                                   AND written_at < now() - interval '30 days'
                                 ORDER BY written_at
                                 LIMIT 16);
    END IF;
    RETURN QUERY SELECT next_revision, known_as;
END
$$;
COMMENT ON FUNCTION enter_write IS
    'Takes the practice''s next revision and records a write, or returns the fingerprint it was recorded with before.';
