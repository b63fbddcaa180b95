CREATE TABLE recording (
    practice_id      uuid NOT NULL,
    id               uuid NOT NULL,
    session_id       uuid NOT NULL,
    therapist_id     uuid NOT NULL,
    viewers          uuid[] NOT NULL DEFAULT '{}',
    client_id        uuid NOT NULL,
    fingerprint      bytea NOT NULL,
    sealed           bytea NOT NULL,
    received_at      timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    content_revision bigint NOT NULL,
    revision         bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    UNIQUE (practice_id, session_id, fingerprint),
    FOREIGN KEY (practice_id, session_id, therapist_id) REFERENCES session (practice_id, id, therapist_id)
);
ALTER TABLE recording ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON TABLE recording IS 'Tenant, clinical: what a device recorded of a session. Once the session''s start and end are known, only what lies between them.';
COMMENT ON COLUMN recording.fingerprint IS 'Keyed hash of the uploaded file: the same file again changes nothing.';
COMMENT ON COLUMN recording.sealed IS 'Its fixes under the client''s key, as they were received; a session''s track is made from them. Bound to `session_id` and `updated_at`.';
COMMENT ON COLUMN recording.content_revision IS 'When the file was uploaded. `revision` also counts when the service cut it.';
CREATE INDEX recording_by_revision ON recording (practice_id, revision);
ALTER TABLE recording ENABLE ROW LEVEL SECURITY;
ALTER TABLE recording FORCE ROW LEVEL SECURITY;
