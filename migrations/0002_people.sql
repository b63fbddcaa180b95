CREATE TABLE practice (
    practice_id      uuid PRIMARY KEY REFERENCES practice_directory (practice_id),
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    zone             text NOT NULL,
    flat_pace_mps    double precision NOT NULL CHECK (flat_pace_mps BETWEEN 0.1 AND 3),
    rests_s          integer NOT NULL CHECK (rests_s BETWEEN 0 AND 7200),
    session_length_s integer NOT NULL CHECK (session_length_s BETWEEN 300 AND 28800),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    revision         bigint NOT NULL
);
COMMENT ON TABLE practice IS 'Tenant: the practice itself; everything else belongs to one.';
COMMENT ON COLUMN practice.zone IS 'IANA name; instants are stored in UTC.';
COMMENT ON COLUMN practice.flat_pace_mps IS 'Metres per second on the flat, for clients without a pace of their own.';
COMMENT ON COLUMN practice.rests_s IS 'Seconds of rest planned into a walk, for clients without their own.';
ALTER TABLE practice ENABLE ROW LEVEL SECURITY;
ALTER TABLE practice FORCE ROW LEVEL SECURITY;

CREATE TABLE therapist (
    practice_id    uuid NOT NULL REFERENCES practice (practice_id),
    id             uuid NOT NULL,
    email          text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    role           text NOT NULL CHECK (role IN ('owner', 'therapist')),
    password_hash  text,
    joined_at      timestamptz,
    deactivated_at timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    revision       bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    UNIQUE (practice_id, email)
);
COMMENT ON TABLE therapist IS 'Tenant: who works in the practice. Deactivated, never deleted, because records name them.';
COMMENT ON COLUMN therapist.email IS 'Lower case.';
COMMENT ON COLUMN therapist.password_hash IS 'argon2id; null until the invitation is accepted.';
CREATE INDEX therapist_by_revision ON therapist (practice_id, revision);
ALTER TABLE therapist ENABLE ROW LEVEL SECURITY;
ALTER TABLE therapist FORCE ROW LEVEL SECURITY;

CREATE TABLE sign_in_index (
    email_index  bytea NOT NULL,
    practice_id  uuid NOT NULL,
    therapist_id uuid NOT NULL,
    PRIMARY KEY (email_index, practice_id)
);
COMMENT ON TABLE sign_in_index IS 'System: which practices an email signs in to.';
COMMENT ON COLUMN sign_in_index.email_index IS 'Keyed hash of the email, so that the table does not show who works where.';
ALTER TABLE sign_in_index ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_index FORCE ROW LEVEL SECURITY;

CREATE TABLE invitation (
    practice_id  uuid NOT NULL,
    digest       bytea NOT NULL,
    therapist_id uuid NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (practice_id, digest),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id)
);
COMMENT ON TABLE invitation IS 'Tenant: single-use links by which a therapist joins, and sets a first password.';
COMMENT ON COLUMN invitation.digest IS 'SHA-256 of the token in the link.';
ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation FORCE ROW LEVEL SECURITY;

CREATE TABLE device (
    practice_id  uuid NOT NULL,
    id           uuid NOT NULL,
    therapist_id uuid NOT NULL,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    platform     text CHECK (length(platform) BETWEEN 1 AND 100),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    revoked_at   timestamptz,
    revision     bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id)
);
COMMENT ON TABLE device IS 'Tenant: a phone a therapist signs in from.';
COMMENT ON COLUMN device.last_seen_at IS 'Last sign-in or refresh, not last request.';
CREATE INDEX device_by_revision ON device (practice_id, revision);
ALTER TABLE device ENABLE ROW LEVEL SECURITY;
ALTER TABLE device FORCE ROW LEVEL SECURITY;

CREATE TABLE sign_in (
    practice_id   uuid NOT NULL,
    id            uuid NOT NULL,
    therapist_id  uuid NOT NULL,
    device_id     uuid NOT NULL,
    begun_at      timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    unused_access bytea,
    revoked_at    timestamptz,
    revoked_why   text CHECK (revoked_why IN
                      ('signed_out', 'device_revoked', 'password_changed', 'deactivated', 'token_reused')),
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id),
    FOREIGN KEY (practice_id, device_id) REFERENCES device (practice_id, id)
);
COMMENT ON TABLE sign_in IS 'Tenant: one login and the family of tokens that came of it.';
COMMENT ON COLUMN sign_in.expires_at IS 'The absolute end, however often it is refreshed.';
COMMENT ON COLUMN sign_in.unused_access IS
    'Digest of the access token the last refresh answered; null once that pair of tokens is used.';
CREATE INDEX sign_in_by_device ON sign_in (practice_id, device_id);
ALTER TABLE sign_in ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in FORCE ROW LEVEL SECURITY;

CREATE TABLE token (
    practice_id uuid NOT NULL,
    digest      bytea NOT NULL,
    sign_in_id  uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('access', 'refresh')),
    expires_at  timestamptz NOT NULL,
    spent_at    timestamptz,
    successor   bytea,
    PRIMARY KEY (practice_id, digest),
    FOREIGN KEY (practice_id, sign_in_id) REFERENCES sign_in (practice_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE token IS 'Tenant: access and refresh tokens, stored as SHA-256 only.';
COMMENT ON COLUMN token.spent_at IS 'When a refresh token was exchanged for the next pair.';
COMMENT ON COLUMN token.successor IS 'The answer it was exchanged for, sealed under the token itself.';
CREATE INDEX token_by_sign_in ON token (practice_id, sign_in_id);
ALTER TABLE token ENABLE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;

CREATE TABLE security_event (
    practice_id  uuid NOT NULL,
    id           uuid NOT NULL,
    therapist_id uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN
                     ('email_changed', 'password_changed', 'new_device', 'device_revoked', 'token_reused')),
    at           timestamptz NOT NULL,
    device_id    uuid,
    old_email    text CHECK (length(old_email) BETWEEN 3 AND 254),
    new_email    text CHECK (length(new_email) BETWEEN 3 AND 254),
    revision     bigint NOT NULL,
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id),
    FOREIGN KEY (practice_id, device_id) REFERENCES device (practice_id, id),
    CHECK ((kind = 'email_changed') = (old_email IS NOT NULL)),
    CHECK ((kind = 'email_changed') = (new_email IS NOT NULL))
);
COMMENT ON TABLE security_event IS 'Tenant: what happened to a therapist''s account; shown to that therapist alone.';
COMMENT ON COLUMN security_event.device_id IS 'The device it was done from or to; null for the command line.';
CREATE INDEX security_event_by_therapist ON security_event (practice_id, therapist_id, at, id);
CREATE INDEX security_event_by_revision ON security_event (practice_id, revision);
ALTER TABLE security_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE security_event FORCE ROW LEVEL SECURITY;

CREATE TABLE throttle (
    bucket           bytea PRIMARY KEY,
    failures         integer NOT NULL,
    last_failed_at   timestamptz NOT NULL,
    blocked_until    timestamptz NOT NULL,
    attempts_refused integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE throttle IS 'System: failed sign-ins in a row, by account, by account and device, by network.';
COMMENT ON COLUMN throttle.bucket IS 'Keyed hash of what is counted.';
COMMENT ON COLUMN throttle.attempts_refused IS 'Attempts since `blocked_until` was set; refused unjudged.';
CREATE INDEX throttle_by_last_failure ON throttle (last_failed_at);
