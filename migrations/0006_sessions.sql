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
    UNIQUE (practice_id, id, therapist_id),
    FOREIGN KEY (practice_id, client_id, therapist_id) REFERENCES client (practice_id, id, therapist_id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id),
    FOREIGN KEY (practice_id, route_id, route_version) REFERENCES route_version (practice_id, route_id, version),
    FOREIGN KEY (practice_id, place_id) REFERENCES place (practice_id, id),
    CHECK ((route_id IS NULL) = (route_version IS NULL)),
    CHECK (planned_end > planned_start),
    CHECK (ended_at >= started_at),
    CHECK ((started_at IS NULL) = (started_received_at IS NULL)),
    CHECK ((ended_at IS NULL) = (ended_received_at IS NULL)),
    CHECK ((closed_at IS NULL) = (closed_received_at IS NULL)),
    CHECK (cancellation IS NULL OR closed_at IS NOT NULL)
);
COMMENT ON TABLE session IS 'Tenant, clinical: a therapy session, planned or held.';
COMMENT ON COLUMN session.modality IS 'As planned; a row of session_change says from when on it was held otherwise. So with route and place.';
COMMENT ON COLUMN session.started_at IS 'By the phone''s clock; `started_received_at` is by the server''s. So with the other instants.';
COMMENT ON COLUMN session.cancellation IS 'Why it was cancelled. A session held after all keeps it.';
COMMENT ON COLUMN session.closed_at IS 'When it was cancelled, or, without a cancellation, when the client did not attend.';
COMMENT ON COLUMN session.flags IS 'What is odd about the facts reported; they are kept all the same.';
COMMENT ON COLUMN session.sealed IS 'What was said about the cancellation, under the client''s key.';
COMMENT ON COLUMN session.status IS 'Computed from the facts, so that it cannot contradict them.';
CREATE INDEX session_by_start ON session (practice_id, planned_start, id);
CREATE INDEX session_by_client ON session (practice_id, client_id, planned_start, id);
CREATE INDEX session_in_progress ON session (practice_id, therapist_id) WHERE status = 'in_progress';
CREATE INDEX session_by_revision ON session (practice_id, revision);
CREATE INDEX session_by_status ON session (practice_id, status, planned_start, id);
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;

CREATE TABLE session_change (
    practice_id   uuid NOT NULL,
    id            uuid NOT NULL,
    session_id    uuid NOT NULL,
    therapist_id  uuid NOT NULL,
    viewers       uuid[] NOT NULL DEFAULT '{}',
    at            timestamptz NOT NULL,
    modality      text NOT NULL CHECK (modality IN ('walk', 'room', 'online', 'phone')),
    route_id      uuid,
    route_version integer,
    place_id      uuid,
    sealed        bytea,
    received_at   timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    revision      bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, session_id, therapist_id) REFERENCES session (practice_id, id, therapist_id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id),
    FOREIGN KEY (practice_id, route_id, route_version) REFERENCES route_version (practice_id, route_id, version),
    FOREIGN KEY (practice_id, place_id) REFERENCES place (practice_id, id),
    CHECK ((route_id IS NULL) = (route_version IS NULL))
);
COMMENT ON TABLE session_change IS 'Tenant, clinical: from an instant on, a session was held another way. Each begins a span; the plan begins the first.';
COMMENT ON COLUMN session_change.at IS 'By the phone''s clock; `received_at` is by the server''s.';
COMMENT ON COLUMN session_change.route_id IS 'Null where it was not named: while the modality stays, the route stays. So with the place.';
COMMENT ON COLUMN session_change.route_version IS 'Pinned when the change was reported: a new line of the route changes nothing here.';
COMMENT ON COLUMN session_change.sealed IS 'Who asked for it, and why, under the client''s key.';
CREATE UNIQUE INDEX session_change_by_instant ON session_change (practice_id, session_id, at);
CREATE INDEX session_change_by_revision ON session_change (practice_id, revision);
ALTER TABLE session_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE session_change FORCE ROW LEVEL SECURITY;
