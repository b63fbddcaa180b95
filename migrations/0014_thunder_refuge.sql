ALTER TABLE route_feature
    ADD COLUMN thunder_refuge text NOT NULL DEFAULT 'unknown' CHECK (thunder_refuge IN ('yes', 'no', 'unknown'));
COMMENT ON COLUMN route_feature.thunder_refuge IS 'Yes only for a substantial enclosed building or a closed hard-topped vehicle.';
