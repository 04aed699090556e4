"""Makes up smart homes in each of which one person lives: what the sensors report, in the form of CASAS' features.

A person keeps to a day's plan, more or less. Each home has hours, pauses and sensors of its own.
"""

import numpy as np

PLACES = "Bathroom Bedroom Chair DiningRoom Hall Ignore Kitchen LivingRoom Office OutsideDoor WorkArea"
AREAS = len(PLACES.split())
COLUMNS = (
    "lastSensorEventHours lastSensorEventSeconds lastSensorDayOfWeek windowDuration timeSinceLastSensorEvent "
    "prevDominantSensor1 prevDominantSensor2 lastSensorID lastSensorLocation lastMotionLocation complexity "
    "activityChange areaTransitions numDistinctSensors"
)
SENSORS = 3  # in an area
WINDOW = 30  # events that a row's features look back on
DAY, HOUR = 86400.0, 3600.0
STRAY = 0.2  # of the events come from anywhere: pets, guests, second thoughts

# Activity, hour of the day, hours around it, seconds between two events, and the areas where it happens.
PLAN = (
    ("Sleep", 2, 3, 900, (1,)),
    ("Bed_Toilet_Transition", 4, 2, 20, (1, 0, 4)),
    ("Personal_Hygiene", 7, 1.5, 20, (0, 4)),
    ("Cook_Breakfast", 8, 1, 15, (6, 6, 3)),
    ("Eat_Breakfast", 8.7, 1, 40, (3, 3, 6)),
    ("Work_At_Desk", 10.5, 3, 90, (8, 10)),
    ("Cook_Lunch", 12.5, 1, 15, (6, 6, 3)),
    ("Eat_Lunch", 13.2, 1, 40, (3, 3, 6)),
    ("Leave_Home", 14.5, 3, 15, (9, 4)),
    ("Wash_Dishes", 16, 4, 15, (6,)),
    ("Other_Activity", 16, 8, 30, tuple(range(AREAS))),
    ("Read", 17.5, 3, 120, (2, 7)),
    ("Cook_Dinner", 18.5, 1, 15, (6, 6, 3)),
    ("Eat_Dinner", 19.3, 1, 40, (3, 3, 6)),
    ("Other_Activity", 20, 4, 60, tuple(range(AREAS))),
    ("Watch_TV", 21, 2, 150, (7, 2)),
)


def lines(days, rng):
    """A home's file: a header, and for each event 36 numbers and the activity; ordered by time."""
    times, areas, plan = live(days, rng)
    by_area = [f"{name}-{place}" for name in ("sensorCount", "sensorElTime") for place in PLACES.split()]
    yield ",".join([*COLUMNS.split(), *by_area, "activity"])
    for row, index in zip(features(times, areas, rng).tolist(), plan, strict=True):
        yield ",".join([*(f"{number:.6g}" for number in row), PLAN[index][0]])


def live(days, rng):
    """Times in seconds, areas and activities, as indices into PLAN, of all events of some days."""
    times, areas, plan = [], [], []
    now = 0.0
    habit = rng.normal(0, 0.5, len(PLAN))  # hours by which this person is late
    pace = rng.lognormal(0, 0.3, len(PLAN))
    for day in range(days):
        hours = [hour + rng.normal(late, around / 2) for (_, hour, around, *_), late in zip(PLAN, habit, strict=True)]
        for index in np.argsort(hours):
            *_, pause, places = PLAN[index]
            count = int(rng.integers(12, 40))
            now = max(day * DAY + hours[index] * HOUR, now)
            times.append(now + np.cumsum(rng.exponential(pause * pace[index], count)))
            now = times[-1][-1]
            stray = rng.random(count) < STRAY
            areas.append(np.where(stray, rng.integers(0, AREAS, count), rng.choice(places, count)))
            plan.append(np.full(count, index))
    return np.concatenate(times), np.concatenate(areas), np.concatenate(plan)


def features(times, areas, rng):
    """The 36 numbers of each event."""
    count = len(times)
    numbers = rng.permutation(AREAS * SENSORS)  # which sensor has which number differs from home to home
    sensors = numbers[areas * SENSORS + rng.integers(0, SENSORS, count)]
    first = np.maximum(np.arange(count) - WINDOW + 1, 0)  # of each event's window
    counts, by_sensor = looking_back(areas, AREAS, first), looking_back(sensors, AREAS * SENSORS, first)
    share = counts / counts.sum(axis=1, keepdims=True)
    last = np.where(np.eye(AREAS, dtype=bool)[areas], times[:, None], times[0] - DAY)  # of each area
    moves = np.cumsum(np.diff(areas, prepend=areas[0]) != 0)
    before = counts[np.maximum(first - 1, 0)]
    columns = (
        times // HOUR % 24,
        times % DAY,
        times // DAY % 7,
        times - times[first],
        np.diff(times, prepend=times[0]),
        by_sensor.argmax(axis=1)[np.maximum(first - 1, 0)],
        by_sensor.argmax(axis=1)[np.maximum(first - 1 - WINDOW, 0)],
        sensors,
        areas,
        areas,
        -(share * np.log2(np.maximum(share, 1e-12))).sum(axis=1),
        np.abs(counts - before).sum(axis=1) / (2 * WINDOW),
        moves - moves[first],
        (by_sensor > 0).sum(axis=1),
    )
    return np.column_stack([*columns, counts, times[:, None] - np.maximum.accumulate(last, axis=0)])


def looking_back(kinds, number, first):
    """For each event how many of each kind there are from the event `first` on, itself included."""
    sums = np.concatenate([np.zeros((1, number)), np.cumsum(np.eye(number)[kinds], axis=0)])
    return sums[1:] - sums[first]
