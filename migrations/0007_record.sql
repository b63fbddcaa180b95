CREATE TABLE track (
    practice_id      uuid NOT NULL,
    session_id       uuid NOT NULL,
    therapist_id     uuid NOT NULL,
    viewers          uuid[] NOT NULL DEFAULT '{}',
    client_id        uuid NOT NULL,
    fingerprint      bytea NOT NULL,
    sealed_original  bytea NOT NULL,
    sealed_fixes     bytea NOT NULL,
    sealed_summary   bytea NOT NULL,
    sealed_geojson   bytea NOT NULL,
    sealed_gpx       bytea NOT NULL,
    received_at      timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    content_revision bigint NOT NULL,
    revision         bigint NOT NULL,
    PRIMARY KEY (practice_id, session_id),
    FOREIGN KEY (practice_id, session_id, therapist_id) REFERENCES session (practice_id, id, therapist_id)
);
ALTER TABLE track ALTER COLUMN sealed_original SET STORAGE EXTERNAL;
ALTER TABLE track ALTER COLUMN sealed_fixes SET STORAGE EXTERNAL;
ALTER TABLE track ALTER COLUMN sealed_geojson SET STORAGE EXTERNAL;
ALTER TABLE track ALTER COLUMN sealed_gpx SET STORAGE EXTERNAL;
COMMENT ON TABLE track IS 'Tenant, clinical: what was walked in a session, cut to its actual times.';
COMMENT ON COLUMN track.fingerprint IS 'Keyed hash of the uploaded file: the same file again changes nothing.';
COMMENT ON COLUMN track.sealed_original IS 'The file as uploaded, compressed; every other form is rebuilt from it.';
COMMENT ON COLUMN track.sealed_fixes IS 'Columnar blob of service.geo.blob.';
COMMENT ON COLUMN track.sealed_geojson IS 'Ready to send, gzip.';
COMMENT ON COLUMN track.sealed_gpx IS 'Ready to send, gzip.';
COMMENT ON COLUMN track.content_revision IS 'When the file was uploaded. `revision` also counts when the service cut it anew.';
CREATE INDEX track_by_revision ON track (practice_id, revision);
ALTER TABLE track ENABLE ROW LEVEL SECURITY;
ALTER TABLE track FORCE ROW LEVEL SECURITY;

CREATE TABLE moment (
    practice_id      uuid NOT NULL,
    id               uuid NOT NULL,
    therapist_id     uuid NOT NULL,
    viewers          uuid[] NOT NULL DEFAULT '{}',
    client_id        uuid NOT NULL,
    session_id       uuid NOT NULL,
    at               timestamptz NOT NULL,
    sealed           bytea,
    sealed_position  bytea NOT NULL,
    sealed_anchor    bytea,
    received_at      timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    content_revision bigint NOT NULL,
    revision         bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    UNIQUE (practice_id, id, therapist_id),
    FOREIGN KEY (practice_id, session_id, therapist_id) REFERENCES session (practice_id, id, therapist_id)
);
COMMENT ON TABLE moment IS 'Tenant, clinical: one tap at an instant of a session.';
COMMENT ON COLUMN moment.at IS 'By the phone''s clock; `received_at` by the server''s.';
COMMENT ON COLUMN moment.sealed IS 'Kind and words under the client''s key; null if there is neither.';
COMMENT ON COLUMN moment.sealed_position IS 'Where the phone was, or that it did not say: anchors are found without the words.';
COMMENT ON COLUMN moment.sealed_anchor IS 'Where on the track it lies; rebuilt when the track arrives, changes or is deleted.';
COMMENT ON COLUMN moment.content_revision IS 'When the therapist last changed it. `revision` also counts anchors.';
CREATE INDEX moment_by_session ON moment (practice_id, session_id, at);
CREATE INDEX moment_by_revision ON moment (practice_id, revision);
ALTER TABLE moment ENABLE ROW LEVEL SECURITY;
ALTER TABLE moment FORCE ROW LEVEL SECURITY;

CREATE TABLE note (
    practice_id      uuid NOT NULL,
    id               uuid NOT NULL,
    therapist_id     uuid NOT NULL,
    viewers          uuid[] NOT NULL DEFAULT '{}',
    client_id        uuid NOT NULL,
    session_id       uuid NOT NULL,
    about            text NOT NULL CHECK (about IN ('session', 'instant', 'moment')),
    about_at         timestamptz,
    moment_id        uuid,
    format           text NOT NULL CHECK (format IN ('free', 'soap', 'dap', 'birp')),
    sealed           bytea NOT NULL,
    sealed_position  bytea NOT NULL,
    sealed_anchor    bytea,
    written_at       timestamptz NOT NULL,
    received_at      timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    content_revision bigint NOT NULL,
    revision         bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, session_id, therapist_id) REFERENCES session (practice_id, id, therapist_id),
    FOREIGN KEY (practice_id, moment_id, therapist_id) REFERENCES moment (practice_id, id, therapist_id),
    CHECK ((about = 'session') = (about_at IS NULL)),
    CHECK ((about = 'moment') = (moment_id IS NOT NULL))
);
COMMENT ON TABLE note IS 'Tenant, clinical: a progress note about a session, an instant or a moment.';
COMMENT ON COLUMN note.about_at IS 'The instant the note is about, which is not when it was written.';
COMMENT ON COLUMN note.written_at IS 'By the phone''s clock; `received_at` by the server''s.';
ALTER TABLE note ALTER COLUMN sealed SET STORAGE EXTERNAL;
COMMENT ON COLUMN note.sealed IS 'The text under the client''s key.';
COMMENT ON COLUMN note.sealed_position IS 'Where the phone was, or that it did not say: anchors are found without the text.';
COMMENT ON COLUMN note.sealed_anchor IS 'Where on the track it lies; rebuilt when the track arrives, changes or is deleted.';
COMMENT ON COLUMN note.content_revision IS 'When the therapist last changed it. `revision` also counts anchors and changes of its moment.';
CREATE INDEX note_by_session ON note (practice_id, session_id, about_at);
CREATE INDEX note_by_moment ON note (practice_id, moment_id);
CREATE INDEX note_by_revision ON note (practice_id, revision);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
ALTER TABLE note FORCE ROW LEVEL SECURITY;
