CREATE TABLE session (
    practice_id         uuid NOT NULL,
    id                  uuid NOT NULL,
    therapist_id        uuid NOT NULL,
    viewers             uuid[] NOT NULL DEFAULT '{}',
    client_id           uuid NOT NULL,
    status              text NOT NULL CHECK (status IN
                            ('planned', 'in_progress', 'completed', 'cancelled', 'did_not_attend')),
    planned_start       timestamptz NOT NULL,
    planned_end         timestamptz NOT NULL,
    route_id            uuid,
    route_version       integer,
    place_id            uuid,
    started_at          timestamptz,
    started_received_at timestamptz,
    ended_at            timestamptz,
    ended_received_at   timestamptz,
    span_modalities     text[] NOT NULL CHECK (span_modalities <@ ARRAY['walk', 'room', 'online', 'phone']),
    span_starts         timestamptz[] NOT NULL,
    cancellation        text CHECK (cancellation IN
                            ('weather', 'client_ill', 'client_asked', 'therapist_ill', 'therapist_unavailable',
                             'place_unavailable', 'other')),
    closed_at           timestamptz,
    flags               text[] NOT NULL DEFAULT '{}',
    sealed              bytea,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    revision            bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, client_id) REFERENCES client (practice_id, id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id),
    FOREIGN KEY (practice_id, route_id, route_version) REFERENCES route_version (practice_id, route_id, version),
    FOREIGN KEY (practice_id, place_id) REFERENCES place (practice_id, id),
    CHECK ((route_id IS NULL) = (route_version IS NULL)),
    CHECK (planned_end > planned_start),
    CHECK (ended_at >= started_at),
    CHECK (cardinality(span_modalities) = cardinality(span_starts) AND cardinality(span_starts) >= 1),
    CHECK ((status = 'cancelled') = (cancellation IS NOT NULL))
);
COMMENT ON TABLE session IS 'Tenant, clinical: a therapy session, planned or held.';
COMMENT ON COLUMN session.started_at IS 'By the phone''s clock; `started_received_at` by the server''s.';
COMMENT ON COLUMN session.span_modalities IS 'How it was held from each of `span_starts` on; the first span is the plan''s.';
COMMENT ON COLUMN session.closed_at IS 'When it was cancelled, or when the client was missed.';
COMMENT ON COLUMN session.flags IS 'What is odd about the facts reported; they are kept all the same.';
COMMENT ON COLUMN session.sealed IS 'Free-text reasons under the client''s key.';
CREATE INDEX session_by_start ON session (practice_id, therapist_id, planned_start, id);
CREATE INDEX session_by_client ON session (practice_id, client_id, planned_start);

ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
CREATE POLICY held ON session
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
CREATE POLICY shared ON session FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));
