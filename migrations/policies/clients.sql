DROP POLICY IF EXISTS held ON client;
CREATE POLICY held ON client
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
DROP POLICY IF EXISTS shared ON client;
CREATE POLICY shared ON client FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));

DROP POLICY IF EXISTS held ON client_key;
CREATE POLICY held ON client_key
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
DROP POLICY IF EXISTS shared ON client_key;
CREATE POLICY shared ON client_key FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));
