DROP POLICY IF EXISTS held ON track;
CREATE POLICY held ON track
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
DROP POLICY IF EXISTS shared ON track;
CREATE POLICY shared ON track FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));

DROP POLICY IF EXISTS held ON recording;
CREATE POLICY held ON recording
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
DROP POLICY IF EXISTS shared ON recording;
CREATE POLICY shared ON recording FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));

DROP POLICY IF EXISTS held ON moment;
CREATE POLICY held ON moment
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
DROP POLICY IF EXISTS shared ON moment;
CREATE POLICY shared ON moment FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));

DROP POLICY IF EXISTS held ON note;
CREATE POLICY held ON note
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND therapist_id = nullif(current_setting('app.therapist', true), '')::uuid);
DROP POLICY IF EXISTS shared ON note;
CREATE POLICY shared ON note FOR SELECT
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers));
