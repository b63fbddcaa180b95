COMMENT ON COLUMN session.sealed IS 'What is planned instead, where that is not the route''s, and what was said about the cancellation: under the client''s key, bound to `updated_at`.';
