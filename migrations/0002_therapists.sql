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
COMMENT ON TABLE therapist IS 'Tenant: who works in the practice. Deactivated, never deleted: the record names them.';
COMMENT ON COLUMN therapist.email IS 'Lower case.';
COMMENT ON COLUMN therapist.password_hash IS 'argon2id; null until the invitation is accepted.';

CREATE TABLE sign_in_index (
    email_index  bytea NOT NULL,
    practice_id  uuid NOT NULL,
    therapist_id uuid NOT NULL,
    PRIMARY KEY (email_index, practice_id)
);
COMMENT ON TABLE sign_in_index IS 'System: which practices an email signs in to.';
COMMENT ON COLUMN sign_in_index.email_index IS 'Keyed hash of the email: the table tells nobody who works where.';

CREATE TABLE invitation (
    practice_id  uuid NOT NULL,
    digest       bytea NOT NULL,
    therapist_id uuid NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (practice_id, digest),
    FOREIGN KEY (practice_id, therapist_id) REFERENCES therapist (practice_id, id)
);
COMMENT ON TABLE invitation IS 'Tenant: single-use links by which a therapist joins or sets a new password.';
COMMENT ON COLUMN invitation.digest IS 'SHA-256 of the token in the link.';

ALTER TABLE therapist ENABLE ROW LEVEL SECURITY;
ALTER TABLE therapist FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON therapist
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

ALTER TABLE invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_practice ON invitation
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
