ALTER TABLE client ADD COLUMN sealed_label bytea;
COMMENT ON COLUMN client.sealed_label IS 'What the therapist calls the record, under the client''s key; null where the key had been destroyed before labels were sealed.';
COMMENT ON COLUMN client.sealed IS 'Identity, contact, emergency contact, GP and crisis plan under the client''s key. Both sealed columns are bound to `updated_at`.';
COMMENT ON TABLE client IS 'Tenant, clinical: a person, a couple or a family. What identifies them is sealed.';
COMMENT ON TABLE place IS 'Tenant: a room, an online address or a phone number. Stored plain: nothing about a client belongs here.';
