CREATE TABLE write_ledger (
    practice_id uuid NOT NULL REFERENCES practice (practice_id),
    scope       uuid NOT NULL,
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint bytea NOT NULL,
    revision    bigint NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (practice_id, scope, key)
);
COMMENT ON TABLE write_ledger IS 'Tenant: which writes were committed, so that a repeated one changes nothing.';
COMMENT ON COLUMN write_ledger.scope IS 'The device that chose the key; all zeros for a create, whose id is its key.';
COMMENT ON COLUMN write_ledger.fingerprint IS 'Keyed hash of method, path and payload; never the payload.';

CREATE TABLE tombstone (
    practice_id  uuid NOT NULL REFERENCES practice (practice_id),
    kind         text NOT NULL,
    id           uuid NOT NULL,
    therapist_id uuid,
    viewers      uuid[] NOT NULL DEFAULT '{}',
    deleted_at   timestamptz NOT NULL,
    revision     bigint NOT NULL,
    PRIMARY KEY (practice_id, kind, id)
);
COMMENT ON TABLE tombstone IS 'Tenant: what was deleted, so that a phone can delete it too.';
COMMENT ON COLUMN tombstone.therapist_id IS 'Whose it was; null for what belongs to the practice.';

ALTER TABLE write_ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE write_ledger FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON write_ledger
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

ALTER TABLE tombstone ENABLE ROW LEVEL SECURITY;
ALTER TABLE tombstone FORCE ROW LEVEL SECURITY;
CREATE POLICY held_or_shared ON tombstone
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND (therapist_id IS NULL
                OR therapist_id = nullif(current_setting('app.therapist', true), '')::uuid
                OR nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers)));
