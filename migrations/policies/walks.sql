DROP POLICY IF EXISTS own_practice ON route;
CREATE POLICY own_practice ON route
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON route_version;
CREATE POLICY own_practice ON route_version
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON route_feature;
CREATE POLICY own_practice ON route_feature
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON route_stretches;
CREATE POLICY own_practice ON route_stretches
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON route_alternatives;
CREATE POLICY own_practice ON route_alternatives
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON last_resort;
CREATE POLICY own_practice ON last_resort
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
