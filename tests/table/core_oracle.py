#!/usr/bin/python3
"""Independent judge of section 1 of docs/spec.md, for tests/table/core_oracle_test.c: who was told
follows from what is queued, in flight or gone, so it shares no idea with router/core's told list.
Reads events, one a line, and answers each with the row and what waits for every recipient."""
import sys

MINUTE, PEOPLE, KEEPS_ALERT, DEFAULTS = 60000, 4, {1}, [3]


class Message:
    def __init__(self, letter, word):
        self.letter, self.word, self.flying, self.unsure = letter, word, False, False

    def is_surely_here(self):
        return not self.flying and not self.unsure


class Word:
    """ALERT to end, for one recipient."""
    def __init__(self, who):
        self.who, self.state = who, "open"  # or "ended", "dead"


class Monitor:
    def __init__(self, oks, failures, minutes):
        self.need_oks, self.need_failures, self.window = max(oks, 1), max(failures, 1), minutes * MINUTE
        self.state, self.oks, self.failures, self.active = "ok", 0, 0, True
        self.last, self.last_by_router, self.last_run = None, None, None
        self.acked, self.ack_expires, self.keep, self.kept = False, None, 0, None  # kept: (until, expires)
        self.words = {}  # of the incident
        self.queues = [[] for _ in range(PEOPLE)]
        self.listed = [0, 1]
        self.row = "valid"

    def send(self, letter, word):
        self.queues[word.who].append(Message(letter, word))

    def take(self, word, letter, only_sure=False):
        """Take back what waits; returns whether anything did."""
        queue = self.queues[word.who]
        gone = [m for m in queue if m.word is word and m.letter == letter and not m.flying and not (only_sure and m.unsure)]
        self.queues[word.who] = [m for m in queue if m not in gone]
        return bool(gone)

    def note_told(self, now, run):
        self.last = self.last_by_router = now
        self.last_run = run

    def tell_failing(self, now, run):
        people = {"nobody": [], "unusable": DEFAULTS}.get(self.row, self.listed)
        for who in people:
            word = self.words.get(who)
            if word and word.state == "open":
                self.send("R", word)
            else:
                self.words[who] = Word(who)
                self.send("A", self.words[who])
        if people:
            self.note_told(now, run)

    def end(self, now, run, letter, quiet=False):
        sent = False
        for word in self.words.values():
            if word.state != "open":
                word.state = "ended"
                continue
            self.take(word, "R")
            word.state = "ended"
            is_person = word.who not in KEEPS_ALERT
            if self.take(word, "A", only_sure=True):
                if letter == "E" and is_person:
                    self.send("c", word)
                    sent = True
            else:
                self.send("q" if quiet and is_person else letter, word)
                sent = True
        if letter == "E" and sent:
            self.note_told(now, run)

    def expire(self, now):
        if self.acked and self.ack_expires is not None and now >= self.ack_expires:
            self.unack()

    def unack(self):
        self.acked, self.ack_expires, self.keep = False, None, 0

    def result(self, now, is_ok, run):
        if not self.active:
            return
        run = None if run is None else min(run, now)
        (self.on_ok if is_ok else self.on_failure)(now, run)

    def on_ok(self, now, run):
        self.failures = 0
        if self.state == "ok":
            return
        self.oks += 1
        if self.oks < self.need_oks:
            return
        self.state, self.oks = "ok", 0
        self.expire(now)
        self.end(now, run, "E")
        self.kept = (now + self.keep * MINUTE, self.ack_expires) if self.acked and self.keep else None
        kept_minutes = self.keep
        self.unack()
        self.kept_minutes = kept_minutes

    def on_failure(self, now, run):
        self.oks = 0
        if self.state == "ok":
            self.failures += 1
            if self.failures < self.need_failures:
                return
            self.state, self.failures = "alert", 0
            kept, self.kept = self.kept, None
            if kept and now <= kept[0] and (kept[1] is None or now < kept[1]):
                self.acked, self.ack_expires, self.keep = True, kept[1], self.kept_minutes
                return  # the same incident, quietly
            self.words = {}
            self.tell_failing(now, run)
            return
        self.expire(now)
        if self.last is not None and self.last > now:
            self.last = now
        nobody = all(word.state == "ended" for word in self.words.values())
        if not self.acked and (nobody or self.is_window_over(now, run)):
            self.tell_failing(now, run)

    def is_window_over(self, now, run):
        if self.last is None or self.window == 0:
            return True
        if run is not None and self.last_run is not None and self.last == self.last_by_router:
            return run - self.last_run >= self.window
        return now - self.last >= self.window

    def reset(self, now, quiet=False):
        if self.state == "alert":
            self.end(now, None, "C", quiet)
        self.state, self.oks, self.failures, self.last, self.kept = "ok", 0, 0, None, None
        self.words = {}
        self.unack()

    def deliver(self, step, who):
        queue = self.queues[who]
        message = queue[0]
        word, is_alert, was_sure = message.word, message.letter == "A", not message.unsure
        message.flying = step == "hand"
        message.unsure |= step == "lost"
        if step in ("sent", "dead"):
            queue.pop(0)
        if not is_alert or step not in ("dead", "returned") or (step == "returned" and not was_sure):
            return
        if step == "dead" and word.state == "open":
            word.state = "dead"
            self.take(word, "R")
        elif word.state == "ended":
            self.take(word, "A")
            for end in [m for m in self.queues[who] if m.word is word]:
                if step == "returned" and end.letter == "E" and who not in KEEPS_ALERT:
                    end.letter = "c"
                elif end.letter in "ECq":
                    self.queues[who].remove(end)

    def by_hand(self, now, column, value):
        if column == "active":
            self.active = value == 1
        elif column == "notified":
            self.last = value
        elif column == "ack":
            self.unack()
            self.acked = value is not None and self.state == "alert"
        elif column == "state" and value == 0:
            self.reset(now)
        elif column == "state":
            self.state, self.oks, self.failures, self.words, self.kept = "alert", 0, 0, {}, None

    def act(self, now, words):
        what, rest = words[0], words[1:]
        numbers = [None if w == "-" else int(w) for w in rest if w == "-" or w.lstrip("-").isdigit()]
        if what in ("ok", "fail"):
            self.result(now, what == "ok", numbers[0])
        elif what == "ack":
            if self.state == "alert" and (numbers[0] is None or numbers[0] > now):
                self.acked, self.ack_expires, self.keep = True, numbers[0], numbers[1]
        elif what == "unack":
            self.unack()
            self.kept = None
        elif what == "timer":
            self.expire(now)
            if self.kept and self.kept[1] is not None and now >= self.kept[1]:
                self.kept = None
        elif what == "reset":
            self.reset(now, rest[0] == "quiet")
        elif what == "list":
            self.row = rest[0]
            self.listed = [who for who in range(PEOPLE) if numbers[0] >> who & 1]
        elif what == "delete":
            if self.state == "alert":
                self.end(now, None, "C")
            self.unack()
        elif what == "set":
            self.by_hand(now, rest[0], numbers[0])
        else:
            self.deliver(what, numbers[0])

    def text(self):
        last = "-" if self.last is None else self.last
        queues = " ".join("".join(m.letter for m in queue) or "." for queue in self.queues)
        return f"{self.state} {self.oks} {self.failures} {int(self.acked)} {last} {queues}"


def main():
    monitor = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "new":
            monitor = Monitor(*map(int, words[1:]))
        else:
            monitor.act(int(words[0]), words[1:])
        print(monitor.text())


main()
