COMMENT ON COLUMN client.sealed IS 'Identity, contact, emergency contact, GP, crisis plan, needs and triggers under the client''s key. Both sealed columns are bound to `updated_at`.';
