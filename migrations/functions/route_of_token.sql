-- towpath: distributed by p_practice
-- The read phones make most, in one round trip: check the token, return the route with its features. The
-- row-level policies still bind, because the function runs with the rights of its caller. Only the columns of
-- route_version are named: that row also holds the line, which is large.
CREATE OR REPLACE FUNCTION route_of_token(p_practice uuid, p_digest bytea, p_now timestamptz, p_route uuid)
RETURNS TABLE (
    sign_in_id   uuid,
    practice_id  uuid,
    therapist_id uuid,
    device_id    uuid,
    role         text,
    wrapped_key  bytea,
    route        json,
    features     json
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT who.id, who.practice_id, who.therapist_id, who.device_id, who.role, who.wrapped_key,
           (SELECT row_to_json(shown)
              FROM (SELECT route.*, points, length_m, ascent_m, descent_m, equivalent_flat_m, is_loop,
                           start_lon, start_lat, end_lon, end_lat,
                           flat_pace_mps, rests_s, practice.revision AS practice_revision
                      FROM route
                      JOIN route_version
                        ON route_version.practice_id = route.practice_id
                       AND route_version.route_id = route.id
                       AND route_version.version = route.version
                      JOIN practice
                        ON practice.practice_id = route.practice_id
                     WHERE route.practice_id = p_practice
                       AND route.id = p_route) AS shown),
           (SELECT coalesce(json_agg(route_feature ORDER BY along_m, route_feature.id), '[]')
              FROM route_feature
             WHERE route_feature.practice_id = p_practice
               AND route_feature.route_id = p_route)
      FROM sign_in_of_token(p_practice, p_digest, p_now) AS who;
END
$$;
COMMENT ON FUNCTION route_of_token IS 'The sign-in of an access token with one route of its practice; no row for an invalid token.';
