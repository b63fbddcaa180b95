-- towpath: distributed by p_practice
-- The page a phone has open during a walk, in one round trip: check the token, return the session with its changes
-- and the key to its words. JSON has no bytes: the session's sealed words come beside it, those of a change as
-- base64. The row-level policies still bind, because the function runs with the rights of its caller.
CREATE OR REPLACE FUNCTION session_of_token(p_practice uuid, p_digest bytea, p_now timestamptz, p_session uuid)
RETURNS TABLE (
    sign_in_id   uuid,
    practice_id  uuid,
    therapist_id uuid,
    device_id    uuid,
    role         text,
    wrapped_key  bytea,
    session      json,
    sealed       bytea,
    changes      json,
    client_key   bytea
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    who record;
BEGIN
    SELECT *
      INTO who
      FROM sign_in_of_token(p_practice, p_digest, p_now);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('app.therapist', who.therapist_id::text, true);
    RETURN QUERY
    SELECT who.id, who.practice_id, who.therapist_id, who.device_id, who.role, who.wrapped_key,
           (to_jsonb(kept) - 'sealed')::json, kept.sealed,
           (SELECT coalesce(json_agg(to_jsonb(change) || jsonb_build_object(
                                         'sealed', translate(encode(change.sealed, 'base64'), E'\n', ''))
                                     ORDER BY change.at), '[]')
              FROM session_change AS change
             WHERE change.practice_id = p_practice
               AND change.session_id = p_session),
           client_key.wrapped
      FROM (SELECT) AS always
      LEFT JOIN session AS kept ON kept.practice_id = p_practice AND kept.id = p_session
      LEFT JOIN client_key ON client_key.practice_id = kept.practice_id AND client_key.client_id = kept.client_id;
END
$$;
COMMENT ON FUNCTION session_of_token IS
    'The sign-in of an access token with one session its therapist may read; no row for an invalid token.';
