CREATE TABLE route_alternatives (
    practice_id  uuid NOT NULL,
    route_id     uuid NOT NULL,
    alternatives text NOT NULL CHECK (length(alternatives) <= 200000),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    revision     bigint NOT NULL,
    PRIMARY KEY (practice_id, route_id),
    FOREIGN KEY (practice_id, route_id) REFERENCES route (practice_id, id)
);
COMMENT ON TABLE route_alternatives IS 'Tenant: what to do instead of walking a route. No row: it names nothing.';
COMMENT ON COLUMN route_alternatives.alternatives IS 'JSON, in order of preference. Routes and places are archived, never deleted, so each that is named exists.';
CREATE INDEX route_alternatives_by_revision ON route_alternatives (practice_id, revision);
ALTER TABLE route_alternatives ENABLE ROW LEVEL SECURITY;
ALTER TABLE route_alternatives FORCE ROW LEVEL SECURITY;

CREATE TABLE last_resort (
    practice_id uuid NOT NULL PRIMARY KEY REFERENCES practice (practice_id),
    kind        text CHECK (kind IN ('room', 'online', 'phone')),
    place_id    uuid,
    note        text CHECK (length(note) BETWEEN 1 AND 4000),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    revision    bigint NOT NULL,
    FOREIGN KEY (practice_id, place_id) REFERENCES place (practice_id, id),
    CHECK (kind IS NOT NULL OR place_id IS NULL)
);
COMMENT ON TABLE last_resort IS 'Tenant: what to do instead of a route that names no usable alternative.';
COMMENT ON COLUMN last_resort.kind IS 'Null where it was taken back.';
CREATE INDEX last_resort_by_revision ON last_resort (practice_id, revision);
ALTER TABLE last_resort ENABLE ROW LEVEL SECURITY;
ALTER TABLE last_resort FORCE ROW LEVEL SECURITY;
