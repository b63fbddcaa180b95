DROP POLICY IF EXISTS held ON session;
CREATE POLICY held ON session
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
DROP POLICY IF EXISTS shared ON session;
CREATE POLICY shared ON session FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));

DROP POLICY IF EXISTS held ON session_change;
CREATE POLICY held ON session_change
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
DROP POLICY IF EXISTS shared ON session_change;
CREATE POLICY shared ON session_change FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));
