-- towpath: after measure_extents
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX route_version_by_north ON route_version (practice_id, north) INCLUDE (south, west, east, route_id, version);
