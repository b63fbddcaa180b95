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

CREATE TABLE sign_in (
    practice_id  uuid NOT NULL,
    id           uuid NOT NULL,
    therapist_id uuid NOT NULL,
    device_id    uuid NOT NULL,
    begun_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    revoked_why  text CHECK (revoked_why IN
                     ('signed_out', 'device_revoked', 'password_changed', 'deactivated', 'token_reused')),
    PRIMARY KEY (practice_id, id),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id),
    FOREIGN KEY (practice_id, device_id) REFERENCES device (practice_id, id)
);
COMMENT ON TABLE sign_in IS 'Tenant: one login and the family of tokens that came of it.';
COMMENT ON COLUMN sign_in.expires_at IS 'The absolute end, however often it is refreshed.';
CREATE INDEX sign_in_by_device ON sign_in (practice_id, device_id);

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
COMMENT ON TABLE token IS 'Tenant: access and refresh tokens, known by their SHA-256 alone.';
COMMENT ON COLUMN token.spent_at IS 'When a refresh token was exchanged; shown again much later, it was stolen.';
COMMENT ON COLUMN token.successor IS 'The answer it was exchanged for, sealed under the token itself.';
CREATE INDEX token_by_sign_in ON token (practice_id, sign_in_id);

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

ALTER TABLE device ENABLE ROW LEVEL SECURITY;
ALTER TABLE device FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON device
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

ALTER TABLE sign_in ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON sign_in
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

ALTER TABLE token ENABLE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON token
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
