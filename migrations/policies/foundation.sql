DROP POLICY IF EXISTS own_practice ON practice_revision;
CREATE POLICY own_practice ON practice_revision
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON practice_key;
CREATE POLICY own_practice ON practice_key
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS own_practice ON write_ledger;
CREATE POLICY own_practice ON write_ledger
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);

DROP POLICY IF EXISTS held_or_shared ON tombstone;
CREATE POLICY held_or_shared ON tombstone
    USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid
           AND (therapist_id IS NULL
                OR therapist_id = nullif(current_setting('app.therapist', true), '')::uuid
                OR nullif(current_setting('app.therapist', true), '')::uuid = ANY (viewers)));
