ALTER TABLE practice ADD COLUMN archived_at timestamptz;
COMMENT ON COLUMN practice.archived_at IS 'Since when nobody can sign in; null while the practice is in use.';
COMMENT ON COLUMN sign_in.revoked_why IS 'deactivated: the therapist was, or the whole practice was archived.';
