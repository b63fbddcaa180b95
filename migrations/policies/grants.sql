-- What the application's role may do beside SELECT, which it may on every table: the rights that its statements
-- use and no others. tests/foundation/database/test_grants.py compares the two.
REVOKE INSERT, UPDATE, DELETE
    ON practice_directory, installation, practice_revision, practice_key, write_ledger, tombstone,
       practice, therapist, sign_in_index, invitation, device, sign_in, token, security_event, throttle,
       place, client, client_key, route, route_version, route_feature, route_stretches, route_alternatives, last_resort,
       session, session_change, track, recording, moment, note
  FROM towpath_app;

GRANT INSERT
   ON practice_directory, installation, practice_key, security_event, client_key, route_version
   TO towpath_app;
GRANT INSERT, UPDATE
   ON practice_revision, tombstone, practice, therapist, device, sign_in, place, client, route, session,
      route_stretches, route_alternatives, last_resort
   TO towpath_app;
GRANT INSERT, DELETE
   ON write_ledger, sign_in_index, invitation, session_change
   TO towpath_app;
GRANT INSERT, UPDATE, DELETE
   ON token, throttle, route_feature, track, recording, moment, note
   TO towpath_app;
