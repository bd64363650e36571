#ifndef TESTS_SIM_PARTS_H
#define TESTS_SIM_PARTS_H

#include "router/store/rows.h"
#include "tests/sim/world.h"

/* The parts of the simulated installation; each keeps its state behind a pointer of struct sim. */

/* --- net.c: connections are ordered and lose everything when they end ------------------------- */

struct sim_packet {
    enum message_role role;
    bool is_to_router;
    uint32_t connection;
    size_t size[LIMIT_FRAMES];
    char bytes[];
};

/* Connect a link anew. Send frames over it, either way; false: there is no such connection. */
void net_connect(struct sim *sim, struct sim_link *link);
void net_send(struct sim *sim, struct sim_link *link, enum message_role role, bool is_to_router,
              const struct frames *frames);
void net_send_body(struct sim *sim, struct sim_link *link, enum message_kind kind, uint64_t seq,
                   const void *body);
void net_frames(const struct sim_packet *packet, struct frame *ret_frames);

/* --- router.c ---------------------------------------------------------------------------------- */

void router_begin(struct sim *sim);
void router_end(struct sim *sim);
void router_receive(struct sim *sim, const struct sim_packet *packet, const char *name);
void router_kill(struct sim *sim, const char *why);
bool router_is_up(const struct sim *sim);
int64_t router_steady_ms(const struct sim *sim); /* since when nothing kept it from working */
size_t router_unfinished(const struct sim *sim);

/* --- runner.c ---------------------------------------------------------------------------------- */

void runner_begin(struct sim *sim, uint32_t who);
void runner_end(struct sim *sim, uint32_t who);
struct sim_link *runner_link(struct sim *sim, uint32_t who);
void runner_receive(struct sim *sim, uint32_t who, const struct sim_packet *packet);
void runner_disconnected(struct sim *sim, uint32_t who);
size_t runner_pending(struct sim *sim, uint32_t who);
int64_t runner_silent_ms(const struct sim *sim, uint32_t who); /* nothing reached the router */
void runner_heard(struct sim *sim, uint32_t who);
uint64_t runner_dropped(struct sim *sim, uint32_t who); /* by its spool, since that was made */

/* --- truth.c: what became of each result -------------------------------------------------------- */

uint64_t truth_made(struct sim *sim, uint32_t runner, uint32_t monitor, bool is_ok);
void truth_durable(struct sim *sim, uint32_t runner);   /* all that it made so far */
void truth_forgotten(struct sim *sim, uint32_t runner); /* what was not durable when it died */
void truth_spool_lost(struct sim *sim, uint32_t runner);
void truth_check(struct sim *sim); /* when everything rests */

/* --- sink.c ------------------------------------------------------------------------------------ */

extern const char *const sink_channels[SIM_SINKS];
void sink_begin(struct sim *sim, uint32_t who);
void sink_end(struct sim *sim, uint32_t who);
struct sim_link *sink_link(struct sim *sim, uint32_t who);
void sink_receive(struct sim *sim, uint32_t who, const struct sim_packet *packet);
void sink_disconnected(struct sim *sim, uint32_t who);
void sink_outcome_lost(struct sim *sim, const struct sim_packet *packet);
bool sink_has_page(const struct sim *sim, uint64_t incident, const char *target);

/* --- people.c ---------------------------------------------------------------------------------- */

/* A command that somebody gave; the oracle finds it by its actor's name. */
struct sim_command {
    const char *action;
    uint32_t monitor;
    int64_t expires_ms; /* of an acknowledgement, or CORE_NEVER */
    uint32_t keep_minutes;
    uint32_t oks, fails, minutes, list; /* of an edit */
    bool is_quiet;
    bool is_done; /* answered */
    bool is_seen; /* in the audit */
};

extern const char *const people_lists[SIM_LISTS]; /* JSON, as in peopleToNotify */
size_t people_targets(uint32_t list, const char **ret_targets);
void people_begin(struct sim *sim);
void people_end(struct sim *sim);
struct sim_link *people_link(struct sim *sim);
void people_receive(struct sim *sim, const struct sim_packet *packet);
void people_disconnected(struct sim *sim);
struct sim_command *people_command(struct sim *sim, uint64_t number);
size_t people_waiting(const struct sim *sim);

/* --- oracle.c: SPEC section 1, written from its text ------------------------------------------- */

enum oracle_event {
    ORACLE_OK,
    ORACLE_FAIL,
    ORACLE_MISSED,
    ORACLE_ACK,
    ORACLE_UNACK,
    ORACLE_TIMER,
    ORACLE_RESET,
    ORACLE_SWITCH,
    ORACLE_EDIT,
};

/* What the rules want to be told at an instant. */
enum oracle_wish {
    WISH_NOTHING,
    WISH_FAILING, /* ALERT or REMINDER to everybody whom the row names */
    WISH_END,     /* RECOVERED to those who were told */
    WISH_CLOSED,
};

enum oracle_wish oracle_result(struct sim *sim, uint32_t monitor, enum oracle_event event,
                               int64_t now_ms, int64_t scheduled_ms);
enum oracle_wish oracle_reset(struct sim *sim, uint32_t monitor);
bool oracle_ack(struct sim *sim, uint32_t monitor, const struct sim_command *command,
                int64_t now_ms);
bool oracle_unack(struct sim *sim, uint32_t monitor);
void oracle_timer(struct sim *sim, uint32_t monitor, int64_t now_ms);
void oracle_told(struct sim_oracle *oracle, enum core_kind kind, int64_t now_ms,
                 int64_t scheduled_ms);

/* --- watch.c, final.c: invariants --------------------------------------------------------------- */

void watch_begin(struct sim *sim);
void watch_end(struct sim *sim);
void watch_turn(struct sim *sim); /* after each turn */
void watch_sent(struct sim *sim, uint32_t runner, uint64_t seq, uint64_t number);
void watch_acked(struct sim *sim, uint32_t runner, uint64_t seq);
void watch_new_spool(struct sim *sim, uint32_t runner);
void watch_refresh_notes(struct sim *sim);
void silence_check(struct sim *sim);
void pace_note(struct sim *sim, struct sim_note *note, int status, int64_t next_utc_ms);
void pace_end(struct sim *sim, const struct sim_note *end);
void final_check(struct sim *sim);
bool final_is_quiet(struct sim *sim);

#endif
