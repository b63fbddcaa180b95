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

CREATE TABLE practice (
    practice_id      uuid PRIMARY KEY REFERENCES practice_directory (practice_id),
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    zone             text NOT NULL,
    flat_pace_ms     double precision NOT NULL CHECK (flat_pace_ms BETWEEN 0.1 AND 3),
    rests_s          integer NOT NULL CHECK (rests_s BETWEEN 0 AND 7200),
    session_length_s integer NOT NULL CHECK (session_length_s BETWEEN 300 AND 28800),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    revision         bigint NOT NULL
);
COMMENT ON TABLE practice IS 'Tenant: the practice itself; everything else belongs to one.';
COMMENT ON COLUMN practice.zone IS 'IANA name; instants are stored in UTC.';
COMMENT ON COLUMN practice.flat_pace_ms IS 'Metres per second on the flat, for clients without a pace of their own.';
COMMENT ON COLUMN practice.rests_s IS 'Seconds of rest planned into a walk, for clients without their own.';

CREATE TABLE practice_revision (
    practice_id uuid PRIMARY KEY REFERENCES practice_directory (practice_id),
    revision    bigint NOT NULL,
    epoch       uuid NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE practice_revision IS 'Tenant: the change counter, locked first by every write, and so a gap-free cursor.';
COMMENT ON COLUMN practice_revision.epoch IS 'Changes when older cursors can no longer be served.';

CREATE TABLE practice_key (
    practice_id uuid PRIMARY KEY REFERENCES practice_directory (practice_id),
    wrapped     bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
COMMENT ON TABLE practice_key IS 'Tenant: the practice''s key, wrapped by the key-encryption key of the key file.';

ALTER TABLE practice ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON practice
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

ALTER TABLE practice_revision ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice_revision FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON practice_revision
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

ALTER TABLE practice_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice_key FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON practice_key
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
