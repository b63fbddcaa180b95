"""Metres climbed and descended along a line whose heights may be noise.

Summing every difference counts the noise of a receiver as hills. Two remedies are usual, and other programs
choose one of them: OsmAnd averages five heights and then counts climbs from 10 m up (issue 1722), Strava and
GoldenCheetah count from a few metres up without an average. Neither fits both a barometer and a poor
receiver. So the noise of the recording is measured first, and the average and the least climb follow from it:
a clean profile keeps its hills of 5 m, a profile with 5 m of noise on level ground shows none.
"""

from typing import Final

import numpy as np

from service.geo.fixes import Fixes, Floats
from service.geo.geodesy import distances_m, elevation_profile_m

CLEAN_M: Final = 0.2
"""Noise of a barometer or a surveyed profile, one standard deviation."""
NOISY_M: Final = 0.7
"""From here on the average and the least climb are at their widest."""
AVERAGED_OVER_M: Final = (0.0, 150.0)
"""Metres of line that a height is averaged over: of a clean profile, and of a noisy one."""
AVERAGED_FIXES: Final = (1, 3)
"""Heights averaged at least, where fixes lie far apart."""
END_NOISE_M: Final = 0.7
"""At the ends as many heights are averaged as leave this much noise, if the stretch holds as many."""
LEAST_CLIMB_M: Final = (5.0, 12.0)
"""A climb is the difference between a low and the next high, and counts from here up."""
OF_NOISE_LEFT: Final = 7.0
"""Standard deviations of the noise that the average leaves: a climb counts from here up."""
DENSE: Final = 2.0
"""Heights that an average spans at least for its noise to be known: of fewer, the ground itself differs."""
LEAST_HEIGHTS: Final = 20
"""With fewer, nothing tells noise from hills."""
DROPOUT_M: Final = 10.0
"""A height of exactly 0 next to heights at least this far from it stands for an unknown one."""
SPIKE_M: Final = 15.0
"""A single height this far above or below both of its neighbours is no ground."""


def ascent_descent_m(fixes: Fixes) -> tuple[float, float] | None:
    """Return metres climbed and metres descended, or None where no two elevations are known."""
    known, profile = elevation_profile_m(without_dropouts(fixes))
    if profile.size < 2:
        return None
    noise_m = height_noise_m(profile)
    share = noise_share(noise_m)
    along_m = distances_m(fixes)[known]
    over_m, at_least = _between(AVERAGED_OVER_M, share), round(_between(AVERAGED_FIXES, share))
    averaged = over_m * profile.size / max(float(along_m[-1] - along_m[0]), over_m, 1.0)
    least_m = _between(LEAST_CLIMB_M, share)
    is_noise = averaged >= DENSE and profile.size >= LEAST_HEIGHTS
    if is_noise:
        least_m = max(least_m, OF_NOISE_LEFT * noise_m / float(np.sqrt(max(averaged, at_least))))
    smoothed = _averaged(
        profile,
        along_m,
        over_m=over_m,
        at_least=at_least,
        at_ends=int(np.ceil((noise_m / END_NOISE_M) ** 2)) if is_noise else 0,
    )
    return _climbs(smoothed, least_m)


def noise_share(noise_m: float) -> float:
    """Return how noisy heights are, from 0 for CLEAN_M or less to 1 for NOISY_M or more."""
    return float(np.clip((noise_m - CLEAN_M) / (NOISY_M - CLEAN_M), 0.0, 1.0))


def height_noise_m(profile: Floats) -> float:
    """Return the standard deviation of what varies from fix to fix in a profile.

    Taken from fourth differences, which hills do not reach, and their median, which single jumps do not.
    """
    rough = np.diff(profile, 4)
    return float(1.4826 * np.median(np.abs(rough)) / np.sqrt(70)) if rough.size else 0.0


def without_dropouts(fixes: Fixes) -> Fixes:
    """Return fixes whose heights of 0 that stand for unknown, and single spikes, are missing."""
    heights = fixes.ele_m
    known = np.flatnonzero(~np.isnan(heights))
    if known.size < 3:
        return fixes
    wrong = np.zeros(known.size, dtype=np.bool_)
    own = heights[known]
    real = np.flatnonzero(own != 0)
    if real.size and real.size < own.size:
        zero = np.flatnonzero(own == 0)
        after = np.searchsorted(real, zero).clip(max=real.size - 1)
        before = (np.searchsorted(real, zero) - 1).clip(min=0)
        nearest = np.minimum(np.abs(own[real[before]]), np.abs(own[real[after]]))
        wrong[zero] = nearest > DROPOUT_M
    kept = np.flatnonzero(~wrong)
    rises = np.diff(own[kept])
    aside = np.minimum(np.abs(rises[:-1]), np.abs(rises[1:])) > SPIKE_M
    aside &= rises[:-1] * rises[1:] < 0
    aside &= np.abs(rises[:-1] + rises[1:]) < np.minimum(np.abs(rises[:-1]), np.abs(rises[1:])) / 2
    wrong[kept[1:-1][aside]] = True
    if not wrong.any():
        return fixes
    mended = heights.copy()
    mended[known[wrong]] = np.nan
    return Fixes(fixes.lon, fixes.lat, mended, fixes.time_ms, fixes.starts)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def _averaged(heights: Floats, along_m: Floats, *, over_m: float, at_least: int, at_ends: int) -> Floats:
    """Return each height averaged over the same stretch on both sides.

    Towards an end the stretch narrows, to `at_ends` heights on the other side: fewer would leave their noise,
    and more would flatten a slope.
    """
    at = np.arange(heights.size)
    reach = at_least // 2
    first = np.minimum(np.searchsorted(along_m, along_m - over_m / 2), (at - reach).clip(min=0))
    last = np.maximum(
        np.searchsorted(along_m, along_m + over_m / 2, side="right"), (at + reach + 1).clip(max=heights.size)
    )
    half = np.minimum(at - first, last - 1 - at)
    begins, ends = at - half, at + half + 1
    narrow = half < at_ends
    begins = np.where(narrow, np.maximum(first, begins.clip(max=at - at_ends)), begins)
    ends = np.where(narrow, np.minimum(last, ends.clip(min=at + at_ends + 1)), ends)
    summed = np.concatenate(([0.0], np.cumsum(heights)))
    return np.asarray((summed[ends] - summed[begins]) / (ends - begins))


def _climbs(profile: Floats, threshold_m: float) -> tuple[float, float]:
    rises = np.diff(_turning_heights(profile, threshold_m))
    return float(rises[rises > 0].sum()), float(np.abs(rises[rises < 0]).sum())


def _turning_heights(profile: Floats, threshold_m: float) -> list[float]:
    """Return the lows and highs in turn, each at least `threshold_m` from the one before.

    A height becomes a low once the line has risen from it by the threshold, and a high once it has fallen.
    """
    rises = np.diff(profile)
    bends = np.flatnonzero(rises[:-1] * rises[1:] <= 0) + 1
    turns: list[float] = []
    low = high = float(profile[0])
    rising: bool | None = None
    for height in (*profile[bends].tolist(), float(profile[-1])):
        low, high = min(low, height), max(high, height)
        if rising is not True and low < height and height - low >= threshold_m:
            turns.append(low)
            rising, high = True, height
        elif rising is not False and high > height and high - height >= threshold_m:
            turns.append(high)
            rising, low = False, height
    if rising is not None:
        turns.append(high if rising else low)
    return turns
