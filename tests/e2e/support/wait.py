"""Waiting for a condition with a deadline; the only place of the suite that lets time pass."""
import time

POLL_SECONDS = 0.02
DEADLINE_SECONDS = 30.0  # of a step that takes well under a second on a machine at rest


class Overdue(AssertionError):
    """A condition did not come true in time."""


def until(condition, what, seconds=DEADLINE_SECONDS):
    """The first true value of condition(); it is asked again until seconds have passed."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Overdue(f"within {seconds:g} s it did not come about that {what}")
        time.sleep(POLL_SECONDS)


def holds(condition, what, seconds):
    """Assert that condition() stays true for seconds: for what must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), f"it did not stay so that {what}"
        time.sleep(POLL_SECONDS)


def moment(random, seconds):
    """Let a random part of seconds pass, so that what comes next hits an arbitrary moment."""
    time.sleep(random.uniform(0, seconds))
