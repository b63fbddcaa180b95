-- towpath: distributed by p_practice
-- Verifies an access token and reads a track for the map in one round trip. It runs with the caller's rights,
-- so the row-level policies apply.
CREATE OR REPLACE FUNCTION track_geojson_of_token(p_practice uuid, p_digest bytea, p_now timestamptz, p_session uuid)
RETURNS TABLE (
    sign_in_id    uuid,
    practice_id   uuid,
    therapist_id  uuid,
    device_id     uuid,
    role          text,
    wrapped_key   bytea,
    client_id     uuid,
    sealed        bytea,
    updated_at    timestamptz,
    revision      bigint,
    client_key    bytea
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
           track.client_id, track.sealed_geojson, track.updated_at, track.revision, client_key.wrapped
      FROM (SELECT) AS always
      LEFT JOIN track ON track.practice_id = p_practice AND track.session_id = p_session
      LEFT JOIN client_key ON client_key.practice_id = track.practice_id AND client_key.client_id = track.client_id;
END
$$;
COMMENT ON FUNCTION track_geojson_of_token IS
    'The sign-in of an access token, with one track its therapist may see; no row for a token that is not valid.';
