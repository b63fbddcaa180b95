CREATE TABLE client (
    practice_id        uuid NOT NULL REFERENCES practice (practice_id),
    id                 uuid NOT NULL,
    therapist_id       uuid NOT NULL,
    viewers            uuid[] NOT NULL DEFAULT '{}',
    label              text NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    stage              text NOT NULL CHECK (stage IN
                           ('enquiry', 'initial_consultation', 'in_therapy', 'ended')),
    ending             text CHECK (ending IN
                           ('planned', 'clients_choice', 'not_the_right_fit', 'referred', 'did_not_return')),
    flat_pace_mps      double precision CHECK (flat_pace_mps BETWEEN 0.1 AND 3),
    rests_s            integer CHECK (rests_s BETWEEN 0 AND 7200),
    outdoor_agreed     boolean,
    outdoor_agreed_at  timestamptz,
    location_agreed    boolean,
    location_agreed_at timestamptz,
    sealed             bytea,
    archived_at        timestamptz,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    revision           bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    UNIQUE (practice_id, id, therapist_id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id),
    CHECK ((stage = 'ended') = (ending IS NOT NULL)),
    CHECK ((outdoor_agreed IS NULL) = (outdoor_agreed_at IS NULL)),
    CHECK ((location_agreed IS NULL) = (location_agreed_at IS NULL))
);
COMMENT ON TABLE client IS 'Tenant, clinical: a person, a couple or a family. What identifies them is in `sealed` alone.';
COMMENT ON COLUMN client.therapist_id IS 'Who holds the client; colleagues see nothing unless named in `viewers`.';
COMMENT ON COLUMN client.label IS 'What the therapist calls the record; not a name.';
COMMENT ON COLUMN client.outdoor_agreed IS 'The outdoor agreement, yes or no, as of `outdoor_agreed_at`.';
COMMENT ON COLUMN client.location_agreed IS 'Permission to record where a session was walked, as of `location_agreed_at`.';
COMMENT ON COLUMN client.sealed IS 'Identity, contact, emergency contact, GP and crisis plan under the client''s key.';
CREATE INDEX client_by_label ON client (practice_id, lower(label), id);
CREATE INDEX client_by_revision ON client (practice_id, revision);
ALTER TABLE client ENABLE ROW LEVEL SECURITY;
ALTER TABLE client FORCE ROW LEVEL SECURITY;

CREATE TABLE client_key (
    practice_id  uuid NOT NULL,
    client_id    uuid NOT NULL,
    therapist_id uuid NOT NULL,
    viewers      uuid[] NOT NULL DEFAULT '{}',
    wrapped      bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (practice_id, client_id),
    FOREIGN KEY (practice_id, client_id, therapist_id) REFERENCES client (practice_id, id, therapist_id)
);
COMMENT ON TABLE client_key IS 'Tenant, clinical: the client''s key, wrapped by the practice''s. Deleting it erases the client.';
ALTER TABLE client_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE client_key FORCE ROW LEVEL SECURITY;
