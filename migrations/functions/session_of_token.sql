-- towpath: distributed by p_practice
-- The page a phone has open during a walk, in one round trip: the token checked, and the session with the key
-- to its words. The row-level policies still bind, since the function runs with the rights of its caller.
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
           row_to_json(shown), kept.sealed, client_key.wrapped
      FROM (SELECT) AS always
      LEFT JOIN session AS kept ON kept.practice_id = p_practice AND kept.id = p_session
      LEFT JOIN client_key ON client_key.practice_id = kept.practice_id AND client_key.client_id = kept.client_id
      LEFT JOIN LATERAL (SELECT kept.id, kept.therapist_id, kept.viewers, kept.client_id, kept.planned_start,
                                kept.planned_end, kept.modality, kept.route_id, kept.route_version, kept.place_id,
                                kept.started_at, kept.started_received_at, kept.ended_at, kept.ended_received_at,
                                kept.changed_to, kept.changed_at, kept.changed_received_at, kept.cancellation,
                                kept.closed_at, kept.closed_received_at, kept.flags, NULL AS sealed,
                                kept.created_at, kept.updated_at, kept.revision) AS shown ON kept.id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION session_of_token IS
    'The sign-in an access token stands for with one session its therapist may read, or no row.';
