CREATE TABLE session (
    practice_id          uuid NOT NULL,
    id                   uuid NOT NULL,
    therapist_id         uuid NOT NULL,
    viewers              uuid[] NOT NULL DEFAULT '{}',
    client_id            uuid NOT NULL,
    planned_start        timestamptz NOT NULL,
    planned_end          timestamptz NOT NULL,
    modality             text NOT NULL CHECK (modality IN ('walk', 'room', 'online', 'phone')),
    route_id             uuid,
    route_version        integer,
    place_id             uuid,
    started_at           timestamptz,
    started_received_at  timestamptz,
    ended_at             timestamptz,
    ended_received_at    timestamptz,
    changed_to           text[] NOT NULL DEFAULT '{}'
                             CHECK (changed_to <@ ARRAY['walk', 'room', 'online', 'phone']),
    changed_at           timestamptz[] NOT NULL DEFAULT '{}',
    changed_received_at  timestamptz[] NOT NULL DEFAULT '{}',
    cancellation         text CHECK (cancellation IN
                             ('weather', 'client_ill', 'client_asked', 'therapist_ill',
                              'therapist_unavailable', 'place_unavailable', 'other')),
    closed_at            timestamptz,
    closed_received_at   timestamptz,
    flags                text[] NOT NULL DEFAULT '{}',
    sealed               bytea,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    revision             bigint NOT NULL,
    status               text NOT NULL GENERATED ALWAYS AS (
                             CASE WHEN ended_at IS NOT NULL THEN 'completed'
                                  WHEN started_at IS NOT NULL THEN 'in_progress'
                                  WHEN cancellation IS NOT NULL THEN 'cancelled'
                                  WHEN closed_at IS NOT NULL THEN 'did_not_attend'
                                  ELSE 'planned' END) STORED,
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, client_id) REFERENCES client (practice_id, id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id),
    FOREIGN KEY (practice_id, route_id, route_version) REFERENCES route_version (practice_id, route_id, version),
    FOREIGN KEY (practice_id, place_id) REFERENCES place (practice_id, id),
    CHECK ((route_id IS NULL) = (route_version IS NULL)),
    CHECK (planned_end > planned_start),
    CHECK (ended_at >= started_at),
    CHECK ((started_at IS NULL) = (started_received_at IS NULL)),
    CHECK ((ended_at IS NULL) = (ended_received_at IS NULL)),
    CHECK ((closed_at IS NULL) = (closed_received_at IS NULL)),
    CHECK (cancellation IS NULL OR closed_at IS NOT NULL),
    CHECK (cardinality(changed_to) = cardinality(changed_at)
           AND cardinality(changed_to) = cardinality(changed_received_at))
);
COMMENT ON TABLE session IS 'Tenant, clinical: a therapy session, planned or held.';
COMMENT ON COLUMN session.modality IS 'As planned; from each of `changed_at` on it was held as `changed_to` says.';
COMMENT ON COLUMN session.started_at IS 'By the phone''s clock; `started_received_at` by the server''s. So with the others.';
COMMENT ON COLUMN session.cancellation IS 'Why it was cancelled. A session held after all keeps it.';
COMMENT ON COLUMN session.closed_at IS 'When it was cancelled, or, without a cancellation, when the client did not attend.';
COMMENT ON COLUMN session.flags IS 'What is odd about the facts reported; they are kept all the same.';
COMMENT ON COLUMN session.sealed IS 'Who asked for changes, and free-text reasons, under the client''s key.';
COMMENT ON COLUMN session.status IS 'Follows from the facts, and so cannot contradict them.';
CREATE INDEX session_by_start ON session (practice_id, planned_start, id);
CREATE INDEX session_by_client ON session (practice_id, client_id, planned_start, id);
CREATE INDEX session_in_progress ON session (practice_id, therapist_id) WHERE status = 'in_progress';
CREATE INDEX session_by_revision ON session (practice_id, revision);
CREATE INDEX session_by_status ON session (practice_id, status, planned_start, id);
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
