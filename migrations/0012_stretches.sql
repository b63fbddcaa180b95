CREATE TABLE route_stretches (
    practice_id   uuid NOT NULL,
    route_id      uuid NOT NULL,
    version       integer NOT NULL,
    stretches     text NOT NULL CHECK (length(stretches) <= 2000000),
    lost          text NOT NULL DEFAULT '[]' CHECK (length(lost) <= 2000000),
    lost_features uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(lost_features) <= 1000),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    revision      bigint NOT NULL,
    PRIMARY KEY (practice_id, route_id, version),
    FOREIGN KEY (practice_id, route_id, version) REFERENCES route_version (practice_id, route_id, version)
);
COMMENT ON TABLE route_stretches IS 'Tenant: what is known of the ground along one line of a route. No row: nothing is.';
COMMENT ON COLUMN route_stretches.stretches IS 'JSON: the parts of the line of which something is known, in walking order.';
COMMENT ON COLUMN route_stretches.lost IS 'JSON: parts of the line before of which this line has no ground; metres along that line.';
COMMENT ON COLUMN route_stretches.lost_features IS 'Features that lay on the line before and are off this one.';
CREATE INDEX route_stretches_by_revision ON route_stretches (practice_id, revision);
ALTER TABLE route_stretches ENABLE ROW LEVEL SECURITY;
ALTER TABLE route_stretches FORCE ROW LEVEL SECURITY;
