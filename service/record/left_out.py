"""A track for the map with what is left out of it: one Feature of points for each reason."""

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Indices
from service.geo.geojson import POSITION_DECIMALS, track_geojson
from service.record.recordings import Recording
from service.record.walked_part import WalkedPart


def left_out_geojson(line: Fixes, name: str, recording: Recording, walked: WalkedPart | None) -> bytes:
    """Return a FeatureCollection: the track, then a MultiPoint for each reason that leaves fixes out.

    `properties.reason` says why, `properties.coordTimes` when each was recorded.
    """
    features = [msgspec.Raw(track_geojson(line, {"name": name}))]
    if walked is not None:
        features += [
            _points(recording.fixes, left_out, why.value)
            for why, left_out in walked.left_out.items()
            if left_out.size
        ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _points(fixes: Fixes, chosen: Indices, reason: str) -> msgspec.Raw:
    lon = np.round(fixes.lon[chosen], POSITION_DECIMALS).tolist()
    lat = np.round(fixes.lat[chosen], POSITION_DECIMALS).tolist()
    feature = {
        "type": "Feature",
        "geometry": {"type": "MultiPoint", "coordinates": list(zip(lon, lat, strict=True))},
        "properties": {"reason": reason, "coordTimes": _times(fixes, chosen)},
    }
    return msgspec.Raw(msgspec.json.encode(feature))


def _times(fixes: Fixes, chosen: Indices) -> list[str | None]:
    instants = fixes.time_ms[chosen].astype(np.dtype("datetime64[ms]"))
    texts = np.datetime_as_string(instants, timezone="UTC").tolist()
    return [text if timed else None for text, timed in zip(texts, fixes.timed[chosen], strict=True)]
