-- towpath: after bind_words
COMMENT ON COLUMN session.sealed IS 'What was said about the cancellation, under the client''s key, bound to `updated_at`.';
COMMENT ON COLUMN session_change.sealed IS 'Who asked for it, and why, under the client''s key, bound to `session_id`, `at` and `updated_at`.';
