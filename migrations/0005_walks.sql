CREATE TABLE route (
    practice_id uuid NOT NULL REFERENCES practice (practice_id),
    id          uuid NOT NULL,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text CHECK (length(description) <= 4000),
    tags        text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 20),
    version     integer NOT NULL CHECK (version >= 1),
    archived_at timestamptz,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    revision    bigint NOT NULL,
    PRIMARY KEY (practice_id, id)
);
COMMENT ON TABLE route IS 'Tenant: a planned walk; everybody in the practice uses it.';
COMMENT ON COLUMN route.version IS 'The line in use now; earlier ones stay with the sessions that used them.';
CREATE INDEX route_by_revision ON route (practice_id, revision);
ALTER TABLE route ENABLE ROW LEVEL SECURITY;
ALTER TABLE route FORCE ROW LEVEL SECURITY;

CREATE TABLE route_version (
    practice_id uuid NOT NULL,
    route_id    uuid NOT NULL,
    version     integer NOT NULL CHECK (version >= 1),
    line        bytea NOT NULL,
    points      integer NOT NULL CHECK (points >= 2),
    length_m    double precision NOT NULL CHECK (length_m >= 0),
    ascent_m    double precision CHECK (ascent_m >= 0),
    descent_m   double precision CHECK (descent_m >= 0),
    equivalent_flat_m    double precision NOT NULL CHECK (equivalent_flat_m >= 0),
    is_loop     boolean NOT NULL,
    start_lon   double precision NOT NULL,
    start_lat   double precision NOT NULL,
    end_lon     double precision NOT NULL,
    end_lat     double precision NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (practice_id, route_id, version),
    FOREIGN KEY (practice_id, route_id) REFERENCES route (practice_id, id)
);
ALTER TABLE route_version ALTER COLUMN line SET STORAGE EXTERNAL;
COMMENT ON TABLE route_version IS 'Tenant: a line a route has, or once had. Never changed.';
COMMENT ON COLUMN route_version.line IS 'The points, as service.geo.blob packs them.';
COMMENT ON COLUMN route_version.ascent_m IS 'Metres climbed; null where the line has no elevation.';
COMMENT ON COLUMN route_version.equivalent_flat_m IS 'Metres on the flat that take as long to walk: divided by the flat pace, it is the walking time.';
ALTER TABLE route_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE route_version FORCE ROW LEVEL SECURITY;

CREATE TABLE route_feature (
    practice_id uuid NOT NULL,
    id          uuid NOT NULL,
    route_id    uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN
                    ('bench', 'shelter', 'toilet', 'parking', 'bus_stop', 'exit', 'private_spot', 'hazard',
                     'gate', 'steps', 'cafe', 'other')),
    name        text CHECK (length(name) BETWEEN 1 AND 200),
    description text CHECK (length(description) <= 4000),
    lon         double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    lat         double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    along_m     double precision NOT NULL CHECK (along_m >= 0),
    offset_m    double precision NOT NULL CHECK (offset_m >= 0),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    revision    bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, route_id) REFERENCES route (practice_id, id)
);
COMMENT ON TABLE route_feature IS 'Tenant: a bench, shelter, exit, hazard or other point of a route.';
COMMENT ON COLUMN route_feature.along_m IS 'Metres from the start of the line in use to its first pass of the point; offset_m is the distance from the line. A new line changes both.';
CREATE INDEX route_feature_by_route ON route_feature (practice_id, route_id);
CREATE INDEX route_feature_by_revision ON route_feature (practice_id, revision);
ALTER TABLE route_feature ENABLE ROW LEVEL SECURITY;
ALTER TABLE route_feature FORCE ROW LEVEL SECURITY;
