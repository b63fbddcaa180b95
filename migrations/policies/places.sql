DROP POLICY IF EXISTS own_practice ON place;
CREATE POLICY own_practice ON place
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
