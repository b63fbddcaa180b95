-- towpath: after keep_recordings
-- The step has made a recording of every original in the same transaction, cut to its session's times, and
-- has bound the forms of every track to `updated_at`.
-- squawk-ignore ban-drop-column
ALTER TABLE track DROP COLUMN fingerprint;
-- squawk-ignore ban-drop-column
ALTER TABLE track DROP COLUMN sealed_original;
-- squawk-ignore ban-drop-column
ALTER TABLE track DROP COLUMN sealed_gpx;
COMMENT ON COLUMN track.sealed_fixes IS 'Columnar blob of service.geo.blob. Every sealed column is bound to `updated_at`.';
-- It returns another row now; the new one is made with the other definitions.
-- squawk-ignore ban-drop-function
DROP FUNCTION IF EXISTS track_geojson_of_token(uuid, bytea, timestamptz, uuid);
