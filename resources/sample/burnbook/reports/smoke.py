"""Which wind directions keep the smoke of a unit away from every receptor."""
import math

SECTOR_DEGREES = 45  # smoke within this angle of a receptor counts as reaching it


def bearing(unit, receptor):
    """Direction from unit to receptor in degrees, north is 0; points are (east, north) in metres."""
    return math.degrees(math.atan2(receptor[0] - unit[0], receptor[1] - unit[1])) % 360


def angle_between(a, b):
    return abs((a - b + 180) % 360 - 180)


def allowed_winds(unit, receptors, reach=8000):
    """Directions that the wind may come from, in steps of 10 degrees."""
    near = [r for r in receptors if math.dist(unit, r) <= reach]
    winds = []
    for wind in range(0, 360, 10):
        smoke = (wind + 180) % 360
        if all(angle_between(smoke, bearing(unit, r)) > SECTOR_DEGREES for r in near):
            winds.append(wind)
    return winds
