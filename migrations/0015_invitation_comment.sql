COMMENT ON TABLE invitation IS 'Tenant: single-use links by which a therapist joins, and sets a first password.';
