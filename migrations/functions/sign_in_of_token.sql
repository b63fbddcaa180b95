-- towpath: distributed by p_practice
-- One round trip instead of four: set the practice and check the token in one call. The row-level policies
-- still bind, because the function runs with the rights of its caller. It writes only at the first use of an
-- access token that a refresh answered: once for each refresh, not for each request.
CREATE OR REPLACE FUNCTION sign_in_of_token(p_practice uuid, p_digest bytea, p_now timestamptz)
RETURNS TABLE (
    id           uuid,
    practice_id  uuid,
    therapist_id uuid,
    device_id    uuid,
    role         text,
    wrapped_key  bytea
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    first_use boolean;
BEGIN
    PERFORM set_config('app.practice', p_practice::text, true);
    SELECT sign_in.id, sign_in.practice_id, sign_in.therapist_id, sign_in.device_id, therapist.role,
           practice_key.wrapped, sign_in.unused_access = p_digest
      INTO id, practice_id, therapist_id, device_id, role, wrapped_key, first_use
      FROM token
      JOIN sign_in ON sign_in.practice_id = token.practice_id AND sign_in.id = token.sign_in_id
      JOIN therapist ON therapist.practice_id = token.practice_id AND therapist.id = sign_in.therapist_id
      JOIN practice_key ON practice_key.practice_id = token.practice_id
     WHERE token.practice_id = p_practice
       AND token.digest = p_digest
       AND token.kind = 'access'
       AND token.expires_at > p_now
       AND sign_in.expires_at > p_now
       AND sign_in.revoked_at IS NULL
       AND therapist.deactivated_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF first_use THEN
        UPDATE sign_in
           SET unused_access = NULL
         WHERE sign_in.practice_id = p_practice
           AND sign_in.id = sign_in_of_token.id
           AND sign_in.unused_access = p_digest;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION sign_in_of_token IS 'The sign-in of an access token; no row for an invalid one.';
