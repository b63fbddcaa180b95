DROP POLICY IF EXISTS own_practice ON practice;
CREATE POLICY own_practice ON practice
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON therapist;
CREATE POLICY own_practice ON therapist
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON invitation;
CREATE POLICY own_practice ON invitation
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON device;
CREATE POLICY own_practice ON device
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON sign_in;
CREATE POLICY own_practice ON sign_in
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON security_event;
CREATE POLICY own_practice ON security_event
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON token;
CREATE POLICY own_practice ON token
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
