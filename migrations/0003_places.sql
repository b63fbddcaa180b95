CREATE TABLE place (
    practice_id  uuid NOT NULL REFERENCES practice (practice_id),
    id           uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('room', 'online', 'phone')),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    address      text CHECK (length(address) <= 1000),
    access       text CHECK (length(access) <= 2000),
    lon          double precision CHECK (lon BETWEEN -180 AND 180),
    lat          double precision CHECK (lat BETWEEN -90 AND 90),
    url          text CHECK (length(url) <= 2000),
    phone_number text CHECK (length(phone_number) <= 40),
    archived_at  timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    revision     bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    CHECK ((lon IS NULL) = (lat IS NULL))
);
COMMENT ON TABLE place IS 'Tenant: where a session is held that is not walked: a room, an online address, a phone number.';
COMMENT ON COLUMN place.access IS 'How to get in: step-free entrance, nearest stop.';
CREATE INDEX place_by_revision ON place (practice_id, revision);
ALTER TABLE place ENABLE ROW LEVEL SECURITY;
ALTER TABLE place FORCE ROW LEVEL SECURITY;
