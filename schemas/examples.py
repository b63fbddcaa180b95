"""One example of each wire type that an operation takes or answers, by the name of the type.

The OpenAPI document shows them. A test decodes each of them and fails where one is missing.
"""

from typing import Any, Final

CLIENT: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a10"
SESSION: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a11"
MOMENT: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a12"
NOTE: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a13"
ROUTE: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a14"
FEATURE: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a15"
PLACE: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a16"
THERAPIST: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a17"
DEVICE: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a18"
PRACTICE: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a19"
SIGN_IN: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a1a"
OTHER_ROUTE: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a1d"
SECURITY_EVENT: Final = "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a1b"

Example = dict[str, Any]

WRITTEN: Final = {"created_at": "2026-05-01T09:00:00Z", "updated_at": "2026-05-01T09:00:00Z", "revision": 12}
RECEIVED: Final = {
    "received_at": "2026-05-04T15:40:00Z",
    "updated_at": "2026-05-04T15:40:00Z",
    "revision": 31,
}
AGREEMENT: Final = {"agreed": True, "on": "2026-05-01T09:00:00Z"}
CURSOR: Final = "WyJyaXZlcnNpZGUiLCIwMTk3YzJhNCJd"
PASSWORD: Final = "otters under the old weir"  # noqa: S105  an example
NEXT_PASSWORD: Final = "seven gates and a heron"  # noqa: S105  an example
PHONE: Final = {"id": DEVICE, "name": "Pixel 9", "platform": "Android 16"}

PRACTICE_OUT: Final = {
    "practice_id": PRACTICE,
    "name": "Riverside",
    "zone": "Europe/London",
    "flat_pace_mps": 0.9,
    "rests_s": 600,
    "session_length_s": 3000,
    **WRITTEN,
}
THERAPIST_OUT: Final = {
    "id": THERAPIST,
    "email": "ada@example.org",
    "name": "Ada Lock",
    "role": "owner",
    "joined_at": "2026-05-01T09:05:00Z",
    **WRITTEN,
}
PLACE_OUT: Final = {
    "id": PLACE,
    "kind": "room",
    "name": "Lock House, first floor",
    "address": "1 Towpath Lane",
    "access": "Step-free from the yard.",
    **WRITTEN,
}
CLIENT_SUMMARY: Final = {
    "id": CLIENT,
    "label": "A. 17",
    "stage": "in_therapy",
    "walks": {"flat_pace_mps": 0.8, "rests_s": 600},
    "flat_pace_mps": 0.8,
    "outdoor_agreement": AGREEMENT,
    "location_permission": AGREEMENT,
    **WRITTEN,
}
CLIENT_OUT: Final = {
    **CLIENT_SUMMARY,
    "identity": {"given_name": "Ash", "pronouns": "they/them"},
    "contact": {"phone_number": "+44 20 7946 0000", "wishes": "Text only."},
    "emergency_contact": {"name": "Rowan", "relationship": "sister", "phone_number": "+44 20 7946 0001"},
    "gp": {"name": "Dr Alder", "practice": "Mill Lane Surgery"},
    "crisis_plan": "Rowan first; then the crisis line.",
    "encounter_wording": "A friend from the allotment. The client speaks first.",
    "needs": ["step_free", "seats"],
    "triggers": ["dogs", "water"],
    "other_triggers": ["horses"],
}
MEASURES: Final = {
    "points": 212,
    "length_m": 2104.6,
    "ascent_m": 14.0,
    "descent_m": 14.0,
    "equivalent_flat_m": 2131.2,
    "is_loop": True,
    "start": {"lon": -0.0403, "lat": 51.5461},
    "end": {"lon": -0.0403, "lat": 51.5461},
}
ROUTE_SUMMARY: Final = {
    "id": ROUTE,
    "name": "Willow towpath, there and back",
    "description": "Level and quiet; two can walk side by side.",
    "tags": ["level", "quiet"],
    "version": 1,
    "walking_time_s": 2968.0,
    "flat_pace_mps": 0.9,
    "rests_s": 600.0,
    **MEASURES,
    **WRITTEN,
}
FEATURE_OUT: Final = {
    "id": FEATURE,
    "route_id": ROUTE,
    "kind": "bench",
    "name": "Bench under the willow",
    "lon": -0.0331,
    "lat": 51.5492,
    "thunder_refuge": "no",
    "along_m": 640.2,
    "offset_m": 3.1,
    **WRITTEN,
}
FIT_OUT: Final = {
    "available_s": 3000.0,
    "flat_pace_mps": 0.9,
    "rests_s": 600.0,
    "arrival": {"earliest_s": 2012.8, "expected_s": 2968.0, "latest_s": 3323.2},
    "fits": True,
    "surely_fits": False,
    "turn_back_m": 1052.3,
    "turn_back_after_s": 1490.0,
    "whole": True,
    "no_return_m": 1052.3,
    "stretches": [],
    "nearest": [
        {
            "facility": "bench",
            "feature_id": FEATURE,
            "kind": "bench",
            "from_m": 0.0,
            "to_m": 1052.3,
            "along_m": 640.0,
            "offset_m": 3.1,
            "walk_from_s": 714.8,
            "walk_to_s": 461.4,
        }
    ],
}
ALTERNATIVE: Final = {
    "kind": "route",
    "route_id": OTHER_ROUTE,
    "name": "Mill wood",
    "variant": "sheltered",
    "good_for": ["wind", "rain"],
    "travel_min": 5,
}
GROUND: Final = {"from_m": 0.0, "to_m": 640.2, "surface": "gravel", "canopy": "scattered", "privacy": 2}
ROUTE_OUT: Final = {**ROUTE_SUMMARY, "features": [FEATURE_OUT]}
SKIPPED: Final = {"line": 118, "column": 7, "what": "trkpt", "reason": "latitude out of range"}
SESSION_OUT: Final = {
    "id": SESSION,
    "client_id": CLIENT,
    "status": "completed",
    "planned_start": "2026-05-04T14:30:00Z",
    "planned_end": "2026-05-04T15:20:00Z",
    "modality": "walk",
    "spans": [{"modality": "walk", "starts_at": "2026-05-04T14:31:10Z", "ends_at": "2026-05-04T15:22:40Z"}],
    "changes": [],
    "flags": [],
    "route_id": ROUTE,
    "route_version": 1,
    "started_at": "2026-05-04T14:31:10Z",
    "started_received_at": "2026-05-04T14:31:11Z",
    "ended_at": "2026-05-04T15:22:40Z",
    "ended_received_at": "2026-05-04T15:22:41Z",
    **WRITTEN,
}
ANCHOR: Final = {
    "how": "interpolated",
    "lon": -0.0331,
    "lat": 51.5492,
    "distance_m": 641.0,
    "elapsed_s": 754.0,
    "gap_s": 1.0,
}
FAR_CORNER: Final = {
    "point": 17,
    "points": 1,
    "lon": -0.0185,
    "lat": 51.5497,
    "off_m": 799.5,
    "adds_m": 1491.1,
}
MOMENT_OUT: Final = {
    "id": MOMENT,
    "session_id": SESSION,
    "at": "2026-05-04T14:43:44Z",
    "kind": "insight",
    "words": "Saw the pattern herself.",
    "anchor": ANCHOR,
    **RECEIVED,
}
NOTE_OUT: Final = {
    "id": NOTE,
    "session_id": SESSION,
    "about": "moment",
    "moment_id": MOMENT,
    "about_at": "2026-05-04T14:43:44Z",
    "format": "free",
    "text": "Sat down of her own accord; spoke of her father for the first time.",
    "written_at": "2026-05-04T18:05:00Z",
    "anchor": ANCHOR,
    **RECEIVED,
}
TRACK_OUT: Final = {
    "session_id": SESSION,
    "points": 3090,
    "length_m": 2120.4,
    "duration_s": 3090.0,
    "moving_time_s": 2830.0,
    "began_at": "2026-05-04T14:31:10Z",
    "ended_at": "2026-05-04T15:22:40Z",
    "cut_from": "2026-05-04T14:31:10Z",
    "cut_to": "2026-05-04T15:22:40Z",
    "dropped": 84,
    "duplicates": 0,
    "out_of_order": 0,
    "moved_segments": 0,
    "implausible": 0,
    "skipped_count": 0,
    "skipped": [],
    "recordings": [
        {
            "id": "0197c2b1-52d0-7f0e-8d1c-6a2f4e9b7c30",
            "fixes": 3090,
            "received_at": "2026-05-04T16:02:11Z",
            "began_at": "2026-05-04T14:31:10Z",
            "ended_at": "2026-05-04T15:22:40Z",
            "shift_s": 0.0,
            "destroyed_before": 0,
            "destroyed_after": 84,
            "upload_again": False,
            "unreadable": False,
        }
    ],
    "upload_again": False,
    "untimed": False,
    "edits": {
        "end": {"at": "2026-05-04T15:20:10Z"},
        "left_out": [{"first": {"at": "2026-05-04T14:40:03Z"}, "last": {"at": "2026-05-04T14:40:03Z"}}],
    },
    "edited": 151,
    "halts": [
        {
            "lon": -0.0331,
            "lat": 51.5492,
            "began_at": "2026-05-04T14:42:50Z",
            "duration_s": 242.0,
            "distance_m": 640.0,
        }
    ],
    "deviation": {
        "share_walked": 1.0,
        "farthest_m": 6.2,
        "off_m": 0.0,
        "off_s": 0.0,
        "tolerance_m": 35.0,
        "stretches": [],
    },
    **RECEIVED,
}

EXAMPLES: Final[dict[str, Example]] = {
    "SignInIn": {"email": "ada@example.org", "password": PASSWORD, "device": PHONE},
    "RefreshIn": {"refresh_token": "twr_…", "device_id": DEVICE},
    "InvitationIn": {"token": "twi_…", "password": PASSWORD, "device": PHONE},
    "EmailIn": {"email": "ada.lock@example.org", "password": PASSWORD},
    "PasswordIn": {"current": PASSWORD, "new": NEXT_PASSWORD},
    "SignInOut": {
        "sign_in_id": SIGN_IN,
        "practice_id": PRACTICE,
        "therapist_id": THERAPIST,
        "access_token": "twa_…",
        "access_expires_at": "2026-05-04T08:40:00Z",
        "refresh_token": "twr_…",
        "refresh_expires_at": "2026-05-18T08:30:00Z",
    },
    "SecurityEventPage": {
        "items": [
            {
                "id": SECURITY_EVENT,
                "kind": "email_changed",
                "at": "2026-05-04T08:30:00Z",
                "revision": 40,
                "device_id": DEVICE,
                "old_email": "ada@example.org",
                "new_email": "ada.lock@example.org",
            }
        ],
        "next_cursor": CURSOR,
    },
    "DeviceList": {
        "items": [
            {
                **PHONE,
                "created_at": "2026-05-01T09:00:00Z",
                "last_seen_at": "2026-05-04T08:30:00Z",
                "this_one": True,
            }
        ]
    },
    "MeOut": {"therapist": THERAPIST_OUT, "practice": PRACTICE_OUT, "device_id": DEVICE},
    "PracticeOut": PRACTICE_OUT,
    "PracticePatch": {"zone": "Europe/Dublin", "rests_s": 300},
    "TherapistIn": {"id": THERAPIST, "email": "ben@example.org", "name": "Ben Towner"},
    "TherapistPatch": {"deactivated": True},
    "TherapistOut": THERAPIST_OUT,
    "TherapistList": {"items": [THERAPIST_OUT]},
    "InvitationOut": {
        "therapist_id": THERAPIST,
        "link": "https://towpath.example.org/v1/invitations#twi_…",
        "token": "twi_…",
        "expires_at": "2026-05-11T08:30:00Z",
    },
    "PlaceIn": {"id": PLACE, "kind": "room", "name": "Lock House, first floor"},
    "PlacePatch": {"name": "Lock House, ground floor", "access": None},
    "PlaceOut": PLACE_OUT,
    "PlacePage": {"items": [PLACE_OUT], "next_cursor": CURSOR},
    "ClientIn": {
        "id": CLIENT,
        "label": "A. 17",
        "stage": "in_therapy",
        "outdoor_agreement": AGREEMENT,
        "location_permission": AGREEMENT,
        "identity": {"given_name": "Ash", "pronouns": "they/them"},
        "usual_session": {
            "weekday": "monday",
            "local_time": "15:30",
            "modality": "walk",
            "route_id": ROUTE,
            "alternative": {"modality": "online"},
        },
    },
    "ClientPatch": {"stage": "ended", "ending": "planned", "contact": {"phone_number": None}},
    "ClientOut": CLIENT_OUT,
    "ClientPage": {"items": [CLIENT_SUMMARY], "next_cursor": CURSOR},
    "ClientImportReport": {
        "dry_run": True,
        "created": 1,
        "already_there": 0,
        "refused": 1,
        "rows": [
            {"row": 2, "outcome": "would_create", "client_id": CLIENT},
            {"row": 3, "outcome": "refused", "column": "stage", "reason": "not one of the stages"},
        ],
    },
    "FoundRoutesOut": {
        "near": "line",
        "items": [{"route": ROUTE_SUMMARY, "away_m": 180.0, "unknown": ["seats"]}],
        "found": 1,
        "more": False,
        "facets": {"loops": 0, "features": {"bench": 1}, "tags": {"flat": 1}},
    },
    "RouteIn": {
        "id": ROUTE,
        "name": "Willow towpath",
        "tags": ["level"],
        "geojson": {"type": "LineString", "coordinates": [[-0.0403, 51.5461], [-0.0331, 51.5492]]},
    },
    "RoutePatch": {"name": "Willow towpath, there and back", "archived": False},
    "RouteOut": ROUTE_OUT,
    "RoutePage": {"items": [ROUTE_SUMMARY], "next_cursor": CURSOR},
    "RouteVersions": {"items": [{"version": 1, "created_at": "2026-05-01T09:00:00Z", **MEASURES}]},
    "FeatureIn": {"id": FEATURE, "kind": "bench", "lon": -0.0331, "lat": 51.5492},
    "FeaturePatch": {"kind": "private_spot", "name": None},
    "FeatureOut": FEATURE_OUT,
    "StretchesIn": {"stretches": [GROUND, {"from_m": 640.2, "to_m": 2104.6, "surface": "mud_prone"}]},
    "GroundPatch": {
        "from_feature_id": FEATURE,
        "to_m": 2104.6,
        "light": "unlit",
        "people": {"weekend_morning": "many"},
    },
    "StretchesOut": {
        "route_id": ROUTE,
        "version": 1,
        "length_m": 2104.6,
        "stretches": [{**GROUND, "slope": {"mean": 0.002, "steepest": 0.021}, "unset": ["light"]}],
        "lost": [],
        "lost_features": [],
    },
    "FitOut": FIT_OUT,
    "SessionFitOut": {"session_id": SESSION, "route_id": ROUTE, "route_version": 1, "fit": FIT_OUT},
    "LinePatch": {
        "edits": [
            {"do": "move_point", "point": 17, "lon": -0.0331, "lat": 51.5492},
            {"do": "keep", "to_m": 1800.0},
            {"do": "out_and_back"},
        ]
    },
    "ChangedLine": {
        "route": ROUTE_OUT,
        "lost": [{"from_m": 1800.0, "to_m": 2104.6, "surface": "gravel"}],
        "lost_features": [],
    },
    "AlternativesIn": {
        "alternatives": [
            {"kind": "route", "route_id": OTHER_ROUTE, "variant": "sheltered", "good_for": ["wind", "rain"]},
            {"kind": "room", "place_id": PLACE, "good_for": ["thunder"], "travel_min": 6},
            {"kind": "phone"},
        ]
    },
    "AlternativesOut": {"route_id": ROUTE, "alternatives": [ALTERNATIVE]},
    "LastResortIn": {"kind": "room", "place_id": PLACE, "note": "The yard gate has a key code."},
    "LastResortOut": {"last_resort": {"kind": "room", "place_id": PLACE, "good_for": []}},
    "ImportedRoute": {
        "route": ROUTE_OUT,
        "skipped": [SKIPPED],
        "skipped_count": 1,
        "waypoints_left_out": 0,
        "far_corners": [FAR_CORNER],
    },
    "FilePreview": {
        "lines": [
            {
                "line": 0,
                "kind": "track",
                "name": "Willow",
                "points": 212,
                "segments": 1,
                "length_m": 2104.6,
                "stretches": 4,
            }
        ],
        "waypoints": [{"kind": "bench", "lon": -0.0331, "lat": 51.5492, "name": "Bench"}],
        "waypoint_count": 1,
        "skipped": [SKIPPED],
        "skipped_count": 1,
    },
    "TurnBackOut": {
        "distance_m": 1052.3,
        "after_s": 1490.0,
        "whole": True,
        "lon": -0.0291,
        "lat": 51.5513,
        "flat_pace_mps": 0.9,
        "rests_s": 600.0,
    },
    "SessionIn": {
        "id": SESSION,
        "client_id": CLIENT,
        "modality": "walk",
        "planned_start": "2026-05-04T14:30:00Z",
        "route_id": ROUTE,
    },
    "WeekIn": {"week_of": "2026-05-04"},
    "WeekOut": {
        "monday": "2026-05-04",
        "zone": "Europe/London",
        "planned": [
            {
                "session_id": SESSION,
                "client_id": CLIENT,
                "planned_start": "2026-05-04T14:30:00Z",
                "planned_end": "2026-05-04T15:20:00Z",
                "modality": "walk",
                "status": "planned",
                "route_id": ROUTE,
                "concerns": [],
            }
        ],
        "not_planned": [],
        "with_others": 0,
    },
    "SessionPatch": {"planned_start": "2026-05-05T14:30:00Z"},
    "StartIn": {"at": "2026-05-04T14:31:10Z"},
    "EndIn": {"at": "2026-05-04T15:22:40Z"},
    "SessionChangeIn": {"modality": "room", "at": "2026-05-04T14:58:00Z", "asked_by": "client"},
    "SwitchIn": {"alternative": 0, "at": "2026-05-04T14:05:00Z", "asked_by": "client"},
    "WalkPackOut": {
        "session_id": SESSION,
        "modality": "walk",
        "planned_start": "2026-05-04T14:30:00Z",
        "agreed_end": "2026-05-04T15:20:00Z",
        "discard_after": "2026-05-05T15:20:00Z",
        "client_id": CLIENT,
        "client_label": "A. 17",
        "emergency_contact": {"name": "Rowan", "phone_number": "+44 20 7946 0001"},
        "concerns": [],
        "alternatives": [],
        "walk": {
            "route_id": ROUTE,
            "route_version": 1,
            "length_m": 2104.6,
            "line": [[[-0.0331, 51.5492], [-0.0341, 51.5487]]],
            "starts_at": "2026-05-04T14:30:00Z",
            "walking_time_s": 2940,
            "fits": True,
            "late_starts": [
                {
                    "late_min": 5,
                    "turn_back_m": 1052.0,
                    "turn_back_at": "2026-05-04T14:57:20Z",
                    "whole": False,
                }
            ],
            "marks": [
                {
                    "at_m": 100.0,
                    "expected_s": 140,
                    "nearest": [{"facility": "exit", "walk_s": 125}],
                }
            ],
            "stretches": [{"from_m": 0.0, "to_m": 2104.6, "surface": "gravel"}],
            "poor_signal": [{"from_m": 0.0, "to_m": 2104.6}],
            "features": [],
        },
    },
    "SessionAlternativesOut": {
        "session_id": SESSION,
        "own": False,
        "alternatives": [
            {**ALTERNATIVE, "number": 0},
            {"kind": "phone", "good_for": [], "number": 1, "last_resort": True},
        ],
    },
    "CancelIn": {"reason": "weather", "words": "Thunder from two o'clock on."},
    "DidNotAttendIn": {"at": "2026-05-04T14:50:00Z"},
    "SessionOut": SESSION_OUT,
    "SessionPage": {"items": [SESSION_OUT], "next_cursor": CURSOR},
    "BeforeLeavingOut": {"concerns": []},
    "MomentIn": {"id": MOMENT, "at": "2026-05-04T14:43:44Z"},
    "MomentPatch": {"kind": "insight", "words": "Saw the pattern herself."},
    "MomentOut": MOMENT_OUT,
    "MomentPage": {"items": [MOMENT_OUT]},
    "NoteIn": {
        "id": NOTE,
        "about": "moment",
        "moment_id": MOMENT,
        "written_at": "2026-05-04T18:05:00Z",
        "text": "Sat down of her own accord; spoke of her father for the first time.",
    },
    "NotePatch": {"text": "Sat down of her own accord."},
    "NoteOut": NOTE_OUT,
    "NotePage": {"items": [NOTE_OUT]},
    "TrackOut": TRACK_OUT,
    "RecordingPatch": {"shift_s": -3600.0},
    "TrackPatch": {"shift_by_s": -127.0},
    "TrackEditsIn": {
        "end": {"lon": -0.0341, "lat": 51.5487},
        "left_out": [{"first": {"at": "2026-05-04T14:40:03Z"}}],
    },
    "Health": {"status": "ready"},
}
