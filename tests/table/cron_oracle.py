#!/usr/bin/python3
"""Independent judge of when schedules fire: rule 2.7 of docs/spec.md, minute by minute.

It walks every UTC minute with zoneinfo and asks what walls show, so it shares neither an idea nor a
line with lib/base/cron.c. Reads questions from standard input, one a line:
    ZONE <tab> START (Unix seconds) <tab> DAYS <tab> EXPRESSION
and writes for each the firings, in Unix seconds, on one line.
"""
import datetime
import functools
import sys
import zoneinfo

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()


def values(text, low, high, names=None, base=0):
    """The set that one field stands for, by crontab(5)."""
    def number(word):
        return names.index(word.lower()) + base if names and word.lower() in names else int(word)
    chosen = set()
    for element in text.split(","):
        span, _, step = element.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = map(number, span.split("-"))
        else:
            first = last = number(span)
        chosen.update(range(first, last + 1, int(step or 1)))
    return chosen


class Schedule:
    NICKNAMES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
                 "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}

    def __init__(self, text):
        minute, hour, day, month, weekday = self.NICKNAMES.get(text, text).split()
        self.minutes, self.hours = values(minute, 0, 59), values(hour, 0, 23)
        self.days, self.months = values(day, 1, 31), values(month, 1, 12, MONTHS, 1)
        self.weekdays = {number % 7 for number in values(weekday, 0, 7, WEEKDAYS)}
        self.either = "*" not in day and "*" not in weekday
        self.wild = "*" in minute or "*" in hour
        self.is_day = functools.cache(self._is_day)

    def _is_day(self, date):
        by_month_day, by_weekday = date.day in self.days, date.isoweekday() % 7 in self.weekdays
        fits = by_month_day or by_weekday if self.either else by_month_day and by_weekday
        return date.month in self.months and fits

    def shows(self, wall):
        return wall.hour in self.hours and wall.minute in self.minutes and self.is_day(wall.date())


@functools.lru_cache(maxsize=2)
def walls(zone, start, days):
    """(Unix seconds, what walls show) for each UTC minute, from three days before the start on."""
    here = zoneinfo.ZoneInfo(zone)
    seconds = range(start - 3 * 86400, start + days * 86400, 60)
    return [(second, datetime.datetime.fromtimestamp(second, here).replace(tzinfo=None)) for second in seconds]


def firings(schedule, zone, start, days):
    minute, fired, reached = datetime.timedelta(minutes=1), [], None
    for second, wall in walls(zone, start, days):
        if schedule.wild:
            fires = schedule.shows(wall)
        elif reached is None:
            fires, reached = False, wall
        else:
            # Every wall minute that is new since the furthest one so far: one of them on most
            # minutes, none while clocks repeat, many after a gap, which are one firing.
            fires = False
            while reached < wall:
                reached += minute
                fires = fires or schedule.shows(reached)
        if fires and second > start:
            fired.append(second)
    return fired


for line in sys.stdin:
    zone, start, days, expression = line.rstrip("\n").split("\t")
    print(" ".join(map(str, firings(Schedule(expression), zone, int(start), int(days)))), flush=True)
