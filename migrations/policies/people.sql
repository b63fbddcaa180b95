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

-- A sign-in looks in the index before it knows the practice. An entry is made for the practice of the
-- transaction, and only the therapist it belongs to can remove it: no statement can empty the index.
DROP POLICY IF EXISTS looked_up ON sign_in_index;
CREATE POLICY looked_up ON sign_in_index FOR SELECT
    USING (true);
DROP POLICY IF EXISTS entered ON sign_in_index;
CREATE POLICY entered ON sign_in_index FOR INSERT
    WITH CHECK (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
DROP POLICY IF EXISTS own_entry ON sign_in_index;
CREATE POLICY own_entry ON sign_in_index FOR DELETE
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
