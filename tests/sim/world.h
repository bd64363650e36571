#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/sys/clock.h"
#include "proto/codec.h"
#include "router/core/types.h"
#include "router/store/memory.h"

/* A whole installation in one process: the router's flow, the deciding parts of runners, notifiers,
 * services and people, over one fake clock, one fake network and a store in memory. Everything that
 * happens follows from one number, the seed. */

enum {
    SIM_RUNNERS = 3,
    SIM_SINKS = 3,
    SIM_MONITORS = 64, /* reserved ones among them */
    SIM_LISTS = 6,     /* of recipients, to choose from */
    SIM_HANDS = 16,    /* deliveries that one notifier works on */
    SIM_PAUSES = 16,   /* recipients whose services asked for one */
};

#define SIM_START_UTC_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

/* How often each fault happens, in 10,000; drawn once a run, about half of them 0. */
struct sim_faults {
    uint32_t lose, copy, slow, cut;                  /* of a message */
    uint32_t again, conflict, full, unknown, commit; /* of a commit; commit: crash around it */
    uint32_t router_kill, router_freeze, router_die_sending;
    uint32_t runner_kill, runner_mute, spool_loss;
    uint32_t sink_kill, refuse_retry, refuse_dead, ambiguous, down, busy, forge;
    uint32_t step, by_hand, command;
};

struct sim;
struct sim_event;
typedef void (*sim_fn)(struct sim *sim, const struct sim_event *event);

/* Something to happen. */
struct sim_event {
    int64_t at_ms;
    uint64_t tie; /* what happens first in one millisecond */
    sim_fn fn;
    uint32_t who;
    uint64_t number;
    struct sim_packet *packet; /* owned, or NULL */
};

struct sim_link { /* one end's connection to the router; a new number each time */
    uint32_t connection;
    int64_t last_ms[2]; /* of the last message on its way, to and from the router */
};

/* A row of Notifications, with what its service got. */
struct sim_note {
    uint64_t id;
    uint64_t incident;
    uint32_t monitor;
    enum core_kind kind;
    bool is_collapsed;
    int status; /* enum store_delivery */
    char recipient[64];
    char key[40];
    uint64_t record;   /* of the audit, that tells of it */
    int copies;        /* taken by the service */
    int excuses;       /* crashes and time-outs that explain another copy */
    bool is_answered;  /* an outcome was sent and has not been heard of since */
    bool is_expected;  /* the oracle wanted it */
    bool is_hushed;    /* its incident was reset with --quiet: people hear of no end */
    bool is_recovered; /* its incident ended by a recovery, not by a person */
    bool is_throttled; /* its service's last answer asked for a pause */
    int64_t next_utc_ms, due_ms, due_since_ms; /* of its row, and when that was seen first */
    uint64_t first_at; /* order of its first and last copy among all copies */
    uint64_t last_at;
};

/* What rules say of one monitor, by tests/sim/oracle.c. */
struct sim_oracle {
    bool is_known, is_gone, is_internal, is_active, is_alert, is_acked, is_kept, is_told;
    uint32_t need_oks, need_fails, window_minutes, oks, fails, keep_minutes;
    int64_t last_ms, last_scheduled_ms, ack_until_ms, kept_until_ms, closed_ms;
    enum core_kind last_kind;
    uint32_t list; /* recipients */
};

/* One result that a runner made, by the number in its message. */
struct sim_truth {
    uint32_t monitor, runner;
    uint64_t generation;
    bool is_ok, is_stored, is_refused;
    bool is_owed; /* its runner has it, and the router has to hear of it */
};

struct sim_pause {
    char recipient[64];
    int64_t since_ms, until_ms;
};

struct sim_check { /* how a monitor fares */
    bool exists;
    uint32_t mode; /* 0 well, 1 failing, 2 either */
    int64_t until_ms;
};

struct sim_cover {
    uint64_t oracle[2][16][3]; /* state, event, guard */
    uint64_t kinds[4];
    uint64_t collapsed, dead, edges, commits, turns, events, copies, restarts;
};

struct sim {
    uint64_t seed, random;
    struct sim_faults faults;
    bool is_tracing, is_quiet, has_failed;
    char violation[512];
    uint64_t hash, event_count, tie;
    int64_t mono_ms, wall_ms, end_ms; /* wall_ms: what the clock was stepped by */
    struct clock clock;
    struct sim_event *heap; /* owned */
    size_t heap_count;
    struct store *store;
    struct sim_router *router;
    struct sim_runner *runners[SIM_RUNNERS];
    size_t runner_count;
    struct sim_sink *sinks[SIM_SINKS];
    struct sim_people *people;
    struct sim_watch *watch;
    int64_t silence_looked_ms; /* real time of the last look for silent runners */
    uint32_t connections;      /* given so far */
    uint32_t monitor_count;
    struct sim_check checks[SIM_MONITORS];
    struct sim_oracle oracles[SIM_MONITORS];
    struct sim_truth *truths; /* owned; by number */
    size_t truth_count;
    size_t truths_durable[SIM_RUNNERS];  /* of each runner, below this number */
    int64_t asked_utc_ms[SIM_MONITORS];  /* when a hand wrote NULL into lastRunDt; 0: never */
    int64_t run_ms[SIM_MONITORS];        /* when the last run was stored */
    int64_t unexpected_ms[SIM_MONITORS]; /* when nothing was expected of it last */
    struct sim_pause pauses[SIM_PAUSES];
    size_t pause_count;
    struct sim_note *notes; /* owned; by id, from 1 */
    size_t note_count;
    uint64_t copy_count;
    struct sim_cover *cover; /* borrowed; of all runs */
};

/* --- world.c: chance, time, events, what is said about them ----------------------------------- */

/* A number below bound; whether something of so many in 10,000 happens (never in the quiet). */
uint32_t sim_pick(struct sim *sim, uint32_t bound);
bool sim_chance(struct sim *sim, uint32_t of_10000);
int64_t sim_between(struct sim *sim, int64_t low, int64_t high);
int64_t sim_utc_ms(const struct sim *sim);

/* Let something happen after a while. */
void sim_in(struct sim *sim, int64_t ms, sim_fn fn, uint32_t who, uint64_t number);
void sim_put(struct sim *sim, const struct sim_event *event);

/* Write a line of the trace; note the first violation of an invariant. */
void sim_trace(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_fail(struct sim *sim, const char *invariant, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One whole run; false: sim->violation says what was broken. */
bool sim_run(struct sim *sim);

#endif
