CREATE TABLE practice_directory (
    practice_id uuid PRIMARY KEY,
    created_at  timestamptz NOT NULL
);
COMMENT ON TABLE practice_directory IS 'System: which practices there are, for work done across them.';

CREATE TABLE installation (
    id         smallint PRIMARY KEY CHECK (id = 1),
    key_check  bytea NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE installation IS 'System: one row about this installation.';
COMMENT ON COLUMN installation.key_check IS 'Tells whether a key file is the one this data was sealed with.';

CREATE TABLE practice_revision (
    practice_id uuid PRIMARY KEY REFERENCES practice_directory (practice_id),
    revision    bigint NOT NULL,
    epoch       uuid NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE practice_revision IS 'Tenant: the change counter, locked first by every write, and so a gap-free cursor.';
COMMENT ON COLUMN practice_revision.epoch IS 'Changes when older cursors can no longer be served.';
ALTER TABLE practice_revision ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice_revision FORCE ROW LEVEL SECURITY;

CREATE TABLE practice_key (
    practice_id uuid PRIMARY KEY REFERENCES practice_directory (practice_id),
    wrapped     bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
COMMENT ON TABLE practice_key IS 'Tenant: the practice''s key, wrapped by the key-encryption key of the key file.';
ALTER TABLE practice_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice_key FORCE ROW LEVEL SECURITY;

CREATE TABLE write_ledger (
    practice_id uuid NOT NULL REFERENCES practice_directory (practice_id),
    scope       uuid NOT NULL,
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint bytea NOT NULL,
    revision    bigint NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (practice_id, scope, key)
);
COMMENT ON TABLE write_ledger IS
    'Tenant: which writes were committed, so that a repeated one changes nothing. Kept 30 days; creates for good.';
COMMENT ON COLUMN write_ledger.scope IS 'The device that chose the key; all zeros for a create, whose id is its key.';
COMMENT ON COLUMN write_ledger.fingerprint IS 'Keyed hash of method, path and payload; never the payload.';
CREATE INDEX write_ledger_by_age ON write_ledger (practice_id, written_at)
    WHERE scope <> '00000000-0000-0000-0000-000000000000';
ALTER TABLE write_ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE write_ledger FORCE ROW LEVEL SECURITY;

CREATE TABLE tombstone (
    practice_id  uuid NOT NULL REFERENCES practice_directory (practice_id),
    kind         text NOT NULL,
    id           uuid NOT NULL,
    parent_id    uuid,
    therapist_id uuid,
    viewers      uuid[] NOT NULL DEFAULT '{}',
    deleted_at   timestamptz NOT NULL,
    revision     bigint NOT NULL,
    PRIMARY KEY (practice_id, kind, id)
);
COMMENT ON TABLE tombstone IS 'Tenant: what was deleted, so that a phone can delete it too.';
COMMENT ON COLUMN tombstone.parent_id IS 'What its address named besides itself: the route of a feature.';
COMMENT ON COLUMN tombstone.therapist_id IS 'Whose it was; null for what belongs to the practice.';
CREATE INDEX tombstone_by_revision ON tombstone (practice_id, revision);
ALTER TABLE tombstone ENABLE ROW LEVEL SECURITY;
ALTER TABLE tombstone FORCE ROW LEVEL SECURITY;
