ALTER TABLE route_version
    ADD COLUMN west  double precision,
    ADD COLUMN south double precision,
    ADD COLUMN east  double precision,
    ADD COLUMN north double precision;
COMMENT ON COLUMN route_version.west IS 'The box around the line, in degrees; greater than `east` across the antimeridian.';
