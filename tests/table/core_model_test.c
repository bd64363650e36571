/* core_decide against a second model of SPEC 1, written from the text alone and in another manner:
 * one flat record, letters for recipients, no incidents as objects. Exhaustive over short
 * sequences, then long steered random runs; TOCSIN_MODEL_RUNS sets how many (default 1000). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/core/decide.h"
#include "tests/support/test.h"

enum {
    PEOPLE = 2, /* 0 a person, 1 a channel that keeps alerts */
    QUEUE = 512,
    DEPTH = 12,
    MINUTE = 60000
};

enum op {
    OP_FAIL,
    OP_OK,
    OP_ACK,
    OP_ACK_KEEP,
    OP_UNACK,
    OP_TIMER,
    OP_PAUSE,
    OP_RESUME,
    OP_RESET,
    OP_RESET_QUIET,
    OP_DEADLINE,
    OP_COVERED,
    OP_STALE,
    OP_HAND,
    OP_SENT,
    OP_RETURNED,
    OP_DEAD,
    OP_COUNT
};

/* ---- the model ---- */

struct model {
    uint32_t need_oks, need_fails;
    int64_t window;
    int failing, paused, oks, fails;
    int64_t last, last_run; /* last notification: decided, scheduled; -1 none */
    int acked, keep;
    int64_t ack_until; /* -1 never */
    int open, kept;
    int64_t closed, kept_until;
    char who[PEOPLE];  /* '.' nobody owes anything, 'p' queued, 'y' told, 'd' died */
    char out[PEOPLE];  /* this step: A R E c C or - */
    char gone[PEOPLE]; /* this step: the ALERT is cancelled */
};

static int over(int64_t until, int64_t now)
{
    return until >= 0 && until <= now;
}

static void m_end(struct model *m, int64_t now, int64_t run, char letter, int quiet)
{
    for (int i = 0; i < PEOPLE; i++) {
        if (m->who[i] == 'y') {
            m->out[i] = quiet && i == 0 ? '-' : letter;
        } else if (m->who[i] == 'p') {
            m->gone[i] = 1;
            m->out[i] = letter == 'E' && i == 0 ? 'c' : '-';
        }
        m->who[i] = '.';
        if (m->out[i] != '-' && letter == 'E') {
            m->last = now;
            m->last_run = run;
        }
    }
    m->open = 0;
}

static void m_tell(struct model *m, int64_t now, int64_t run)
{
    for (int i = 0; i < PEOPLE; i++) {
        m->out[i] = m->who[i] == 'p' || m->who[i] == 'y' ? 'R' : 'A';
        m->who[i] = m->who[i] == 'y' ? 'y' : 'p';
    }
    m->last = now;
    m->last_run = run;
}

static void m_fail(struct model *m, int64_t now, int64_t run)
{
    int64_t passed = m->last < 0                    ? INT64_MAX
                     : run >= 0 && m->last_run >= 0 ? run - m->last_run
                                                    : now - m->last;

    m->oks = 0;
    if (!m->failing) {
        if (++m->fails < (int)(m->need_fails ? m->need_fails : 1)) {
            return;
        }
        m->fails = 0;
        m->failing = m->open = 1;
        if (m->kept && !over(m->kept_until, now) && now <= m->closed + (int64_t)m->keep * MINUTE) {
            m->acked = 1;
            m->ack_until = m->kept_until;
        } else {
            m->keep = 0;
            m_tell(m, now, run);
        }
        m->kept = 0;
        return;
    }
    if (m->acked && over(m->ack_until, now)) {
        m->acked = m->keep = 0;
    }
    if (m->acked) {
        return;
    }
    if (passed >= m->window || (m->who[0] == '.' && m->who[1] == '.')) {
        m_tell(m, now, run);
    }
}

static void m_ok(struct model *m, int64_t now, int64_t run)
{
    m->fails = 0;
    if (!m->failing || ++m->oks < (int)(m->need_oks ? m->need_oks : 1)) {
        return;
    }
    m->oks = m->failing = 0;
    if (m->acked && over(m->ack_until, now)) {
        m->acked = m->keep = 0;
    }
    m->kept = m->acked && m->keep;
    m->kept_until = m->ack_until;
    m->acked = 0;
    m->closed = now;
    m_end(m, now, run, 'E', 0);
}

static void m_delivery(struct model *m, enum op op, int i)
{
    m->gone[i] = m->who[i] == '.' && op == OP_RETURNED;
    if (m->who[i] != '.') {
        m->who[i] = op == OP_RETURNED ? 'p' : op == OP_DEAD ? 'd' : 'y';
    }
}

static void m_step(struct model *m, enum op op, int i, int64_t now, int64_t run)
{
    memset(m->out, '-', PEOPLE);
    memset(m->gone, 0, PEOPLE);
    switch (op) {
    case OP_DEADLINE:
    case OP_FAIL:
        if (!m->paused) {
            m_fail(m, now, run);
        }
        break;
    case OP_OK:
        if (!m->paused) {
            m_ok(m, now, run);
        }
        break;
    case OP_ACK:
    case OP_ACK_KEEP:
        if (m->failing) {
            m->acked = 1;
            m->ack_until = op == OP_ACK_KEEP ? now + 3 * MINUTE : -1;
            m->keep = op == OP_ACK_KEEP ? 2 : 0;
        }
        break;
    case OP_UNACK:
        m->acked = m->kept = 0;
        m->keep = 0;
        break;
    case OP_TIMER:
        if (m->acked && over(m->ack_until, now)) {
            m->acked = m->keep = 0;
        }
        if (m->kept && over(m->kept_until, now)) {
            m->kept = 0;
        }
        break;
    case OP_PAUSE:
    case OP_RESUME:
        m->paused = op == OP_PAUSE;
        break;
    case OP_RESET:
    case OP_RESET_QUIET:
        if (m->failing) {
            m_end(m, now, run, 'C', op == OP_RESET_QUIET);
        }
        m->failing = m->acked = m->kept = m->keep = m->oks = m->fails = 0;
        m->last = m->last_run = -1;
        break;
    case OP_COVERED:
    case OP_STALE:
        break;
    case OP_HAND:
    case OP_SENT:
    case OP_RETURNED:
    case OP_DEAD:
        m_delivery(m, op, i);
        break;
    case OP_COUNT:
        break;
    }
}

/* ---- the world: core_decide, an outbox of the simplest kind, and what people heard ---- */

struct message {
    enum core_kind kind;
    uint64_t incident;
    uint32_t round;
    bool is_collapsed;
};

struct box {
    struct message queue[QUEUE];
    size_t count;
    bool is_in_flight;
    bool is_told; /* as that person understands it */
};

struct world {
    struct core_monitor monitor;
    struct core_incident incidents[2]; /* the newest, and the one before */
    uint64_t incident_count;
    int64_t now;
    struct box boxes[PEOPLE];
    struct model model;
};

static const struct core_target targets[PEOPLE] = {
    {.target = "email:a@example.com"},
    {.target = "pagerduty:core", .keeps_alert = true},
};
static struct core_plan plan;
static struct world world;
static uint64_t hits[2][OP_COUNT][3]; /* state, op, guard: idle, acknowledged, in mid-count */

static void copy_incident(struct core_incident *to, const struct core_incident *from)
{
    memcpy(to, from, offsetof(struct core_incident, told));
    memcpy(to->told, from->told, from->told_count * sizeof(from->told[0]));
}

static void world_begin(uint32_t oks, uint32_t failures, uint32_t minutes)
{
    world.monitor = (struct core_monitor){
        .id = 1,
        .is_active = true,
        .required_oks = oks,
        .required_failures = failures,
        .reminder_minutes = minutes,
        .last_run_utc_ms = CORE_NEVER,
        .last_notification_utc_ms = CORE_NEVER,
        .acknowledged_utc_ms = CORE_NEVER,
        .ack_expires_utc_ms = CORE_NEVER,
    };
    world.incident_count = 0;
    world.now = 1000 * 1000 * 1000;
    for (int i = 0; i < PEOPLE; i++) {
        world.boxes[i].count = 0;
        world.boxes[i].is_in_flight = world.boxes[i].is_told = false;
    }
    world.model = (struct model){.need_oks = oks,
                                 .need_fails = failures,
                                 .window = minutes * (int64_t)MINUTE,
                                 .last = -1,
                                 .last_run = -1,
                                 .ack_until = -1,
                                 .who = {'.', '.'}};
}

static struct core_incident *newest(void)
{
    return world.incident_count == 0 ? NULL : &world.incidents[world.incident_count % 2];
}

static void box_drop_first(struct box *box)
{
    memmove(box->queue, box->queue + 1, (box->count - 1) * sizeof(box->queue[0]));
    box->count--;
    box->is_in_flight = false;
}

static void box_cancel(struct box *box, const struct core_cancel *cancel, uint64_t incident)
{
    size_t kept = 0;
    bool is_over = false;

    for (size_t i = 0; i < box->count; i++) {
        struct message *message = &box->queue[i];
        bool is_flying = i == 0 && box->is_in_flight;

        if (is_over || is_flying || message->kind != cancel->kind ||
            message->incident != incident || message->round < cancel->round) {
            box->queue[kept++] = *message;
            continue;
        }
        is_over = cancel->kind != CORE_KIND_REMINDER;
        if (cancel->is_collapsed) {
            message->is_collapsed = true;
            box->queue[kept++] = *message;
        }
    }
    box->count = kept;
}

/* SPEC 1.3 "Per recipient and monitor the word is (ALERT (REMINDER)* RECOVERED)*" */
static void box_hear(struct box *box)
{
    const struct message *message = &box->queue[0];

    switch (message->kind) {
    case CORE_KIND_ALERT:
        assert_false(box->is_told);
        box->is_told = true;
        break;
    case CORE_KIND_REMINDER:
        assert_true(box->is_told);
        break;
    case CORE_KIND_CLOSED:
    case CORE_KIND_RECOVERY:
        assert_true(box->is_told != message->is_collapsed);
        box->is_told = false;
        break;
    }
}

static int who_is(const char *target)
{
    return strcmp(target, targets[0].target) == 0 ? 0 : 1;
}

static char letter_of(const struct core_notification *notification)
{
    switch (notification->kind) {
    case CORE_KIND_ALERT:
        return 'A';
    case CORE_KIND_REMINDER:
        return 'R';
    case CORE_KIND_RECOVERY:
        return notification->is_collapsed ? 'c' : 'E';
    case CORE_KIND_CLOSED:
        return 'C';
    }
    return '?';
}

static void commit(bool is_judged)
{
    char out[PEOPLE] = {'-', '-'};
    char gone[PEOPLE] = {0, 0};

    world.monitor = plan.monitor;
    if (plan.incident_change == CORE_INCIDENT_OPEN) {
        plan.incident.id = ++world.incident_count;
    }
    for (size_t i = 0; i < plan.cancel_count; i++) {
        int who = who_is(plan.incident.told[plan.cancels[i].told].target);

        gone[who] = gone[who] || plan.cancels[i].kind == CORE_KIND_ALERT;
        box_cancel(&world.boxes[who], &plan.cancels[i], plan.incident.id);
    }
    for (size_t i = 0; i < plan.notification_count; i++) {
        const struct core_notification *n = &plan.notifications[i];
        int who = who_is(plan.incident.told[n->told].target);
        struct box *box = &world.boxes[who];

        assert_int_equal(out[who], '-');
        out[who] = letter_of(n);
        assert_true(box->count < QUEUE);
        box->queue[box->count++] =
            (struct message){n->kind, plan.incident.id, n->round, n->is_collapsed};
    }
    for (size_t i = 0; i < plan.note_count; i++) {
        if (plan.notes[i].reason == CORE_REASON_QUIET) { /* no message, but it is over for them */
            struct box *box = &world.boxes[who_is(plan.incident.told[plan.notes[i].told].target)];

            box->queue[box->count++] = (struct message){CORE_KIND_CLOSED, plan.incident.id,
                                                        plan.incident.round + 1, false};
        }
    }
    if (plan.incident_change != CORE_INCIDENT_NONE) {
        copy_incident(&world.incidents[plan.incident.id % 2], &plan.incident);
    }
    if (is_judged) {
        assert_memory_equal(out, world.model.out, PEOPLE);
        assert_memory_equal(gone, world.model.gone, PEOPLE);
    }
}

static void compare(void)
{
    const struct model *m = &world.model;

    assert_int_equal(world.monitor.state, m->failing ? CORE_ALERT : CORE_OK);
    assert_int_equal(world.monitor.ok_count, m->oks);
    assert_int_equal(world.monitor.failure_count, m->fails);
    assert_int_equal(world.monitor.acknowledged_utc_ms != CORE_NEVER, m->acked);
    assert_true(world.monitor.last_notification_utc_ms == (m->last < 0 ? CORE_NEVER : m->last));
}

static void fill_result(struct core_event *event, enum op op, int64_t run)
{
    event->type = CORE_EVENT_RESULT;
    event->result = (struct core_event_result){
        .is_ok = op == OP_OK,
        .generation = 1,
        .current_generation = 1,
        .is_older = op == OP_STALE,
        .scheduled_utc_ms = run < 0 ? CORE_NEVER : run,
        .started_utc_ms = world.now,
    };
}

static void fill_event(struct core_event *event, enum op op, int64_t run)
{
    event->type = CORE_EVENT_DEADLINE;
    event->deadline.is_covered = op == OP_COVERED;
    event->deadline.scheduled_utc_ms = run < 0 ? CORE_NEVER : run;
    if (op == OP_FAIL || op == OP_OK || op == OP_STALE) {
        fill_result(event, op, run);
    } else if (op == OP_ACK || op == OP_ACK_KEEP) {
        event->type = CORE_EVENT_ACKNOWLEDGE;
        event->acknowledge.expires_utc_ms = op == OP_ACK ? CORE_NEVER : world.now + 3 * MINUTE;
        event->acknowledge.keep_minutes = op == OP_ACK ? 0 : 2;
    } else if (op == OP_UNACK) {
        event->type = CORE_EVENT_UNACKNOWLEDGE;
    } else if (op == OP_TIMER) {
        event->type = CORE_EVENT_TIMER;
    } else if (op == OP_RESET || op == OP_RESET_QUIET) {
        event->type = CORE_EVENT_RESET;
        event->is_quiet = op == OP_RESET_QUIET;
    } else if (op == OP_PAUSE || op == OP_RESUME) {
        event->type = CORE_EVENT_EDIT;
        event->edit.before = world.monitor;
        event->edit.is_deleted = false;
        world.monitor.is_active = op == OP_RESUME;
    }
}

/* One delivery step, where the outbox of that recipient allows it. Returns false where it doesn't. */
static bool fill_delivery(struct core_event *event, enum op op, int who,
                          const struct core_incident **ret_incident)
{
    struct box *box = &world.boxes[who];

    if (box->count == 0 || box->is_in_flight != (op != OP_HAND)) {
        return false;
    }
    event->type = CORE_EVENT_DELIVERY;
    event->delivery.kind = box->queue[0].kind;
    event->delivery.round = box->queue[0].round;
    event->delivery.step = (enum core_delivery)(op == OP_HAND       ? CORE_DELIVERY_HANDED
                                                : op == OP_SENT     ? CORE_DELIVERY_SENT
                                                : op == OP_RETURNED ? CORE_DELIVERY_RETURNED
                                                                    : CORE_DELIVERY_DEAD);
    memcpy(event->delivery.target, targets[who].target, sizeof(event->delivery.target));
    *ret_incident = &world.incidents[box->queue[0].incident % 2];
    return true;
}

static void move_box(enum op op, int who)
{
    struct box *box = &world.boxes[who];

    box->is_in_flight = op == OP_HAND;
    if (op == OP_SENT) {
        box_hear(box);
        box_drop_first(box);
    } else if (op == OP_DEAD) {
        box->is_told = box->is_told && box->queue[0].kind == CORE_KIND_REMINDER;
        box_drop_first(box);
    }
}

/* An ALERT of an incident that this world forgot, or of an earlier life of a reopened one: it is
 * delivered at once, and nobody needs to know. */
static bool is_forgotten(int who)
{
    const struct box *box = &world.boxes[who];
    uint64_t incident = box->count == 0 ? world.incident_count : box->queue[0].incident;

    for (size_t i = 1; i < box->count; i++) {
        if (box->queue[i].kind == CORE_KIND_ALERT && box->queue[i].incident == incident) {
            return true;
        }
    }
    return incident + 1 < world.incident_count;
}

static void count_hit(enum op op)
{
    int guard = world.model.acked ? 1 : world.model.oks + world.model.fails > 0 ? 2 : 0;

    hits[world.model.failing][op][guard]++;
}

static void world_step(enum op op, int who, int64_t gap, bool has_schedule)
{
    struct core_event event;
    struct core_view view = {.is_known = true, .targets = targets, .target_count = PEOPLE};
    int64_t run = -1;
    bool is_judged = true;

    world.now += gap;
    run =
        has_schedule ? world.now - world.now % 7 : -1; /* the decision jitters, the run does not */
    view.incident = newest();
    if (op >= OP_HAND && is_forgotten(who)) {
        box_hear(&world.boxes[who]);
        box_drop_first(&world.boxes[who]);
        return;
    }
    if (op >= OP_HAND) {
        if (!fill_delivery(&event, op, who, &view.incident)) {
            return;
        }
        is_judged = world.boxes[who].queue[0].incident == world.incident_count;
    } else {
        fill_event(&event, op, run);
    }
    count_hit(op);
    if (op >= OP_HAND && (!is_judged || event.delivery.kind != CORE_KIND_ALERT)) {
        memset(world.model.out, '-', PEOPLE);
        memset(world.model.gone, 0, PEOPLE);
    } else {
        m_step(&world.model, op, who, world.now, run);
    }
    view.monitor = world.monitor;
    assert_int_equal(core_decide(&view, &event, world.now, &plan), 0);
    if (op >= OP_HAND) {
        move_box(op, who);
    }
    commit(is_judged);
    compare();
}

/* ---- the tests ---- */

static const uint32_t oks[] = {0, 1, 2, 3, 255};
static const uint32_t failures[] = {0, 1, 2, 3};
static const uint32_t minutes[] = {0, 1, 60};

static void run_sequences(uint32_t need_oks, uint32_t need_failures, uint32_t window, int64_t edge)
{
    int64_t gap = window * (int64_t)MINUTE + edge;

    for (unsigned bits = 0; bits < 1U << DEPTH; bits++) {
        world_begin(need_oks, need_failures, window);
        for (unsigned i = 0; i < DEPTH; i++) {
            world_step((bits >> i & 1) != 0 ? OP_OK : OP_FAIL, 0, gap < 0 ? 0 : gap, false);
        }
    }
}

static void all_result_sequences_agree(void **state)
{
    (void)state;
    for (size_t a = 0; a < sizeof(oks) / sizeof(oks[0]); a++) {
        for (size_t b = 0; b < sizeof(failures) / sizeof(failures[0]); b++) {
            for (size_t c = 0; c < sizeof(minutes) / sizeof(minutes[0]); c++) {
                run_sequences(oks[a], failures[b], minutes[c], -1);
                run_sequences(oks[a], failures[b], minutes[c], 0);
                run_sequences(oks[a], failures[b], minutes[c], 1);
            }
        }
    }
}

/* Every sequence of five of all operations, after one failure. */
static void all_short_interleavings_agree(void **state)
{
    (void)state;
    for (uint32_t need = 1; need <= 2; need++) {
        for (uint64_t code = 0;
             code < (uint64_t)OP_COUNT * OP_COUNT * OP_COUNT * OP_COUNT * OP_COUNT; code++) {
            uint64_t rest = code;

            world_begin(need, 1, 1);
            world_step(OP_FAIL, 0, MINUTE, false);
            for (int i = 0; i < 5; i++, rest /= OP_COUNT) {
                world_step((enum op)(rest % OP_COUNT), 0, MINUTE, false);
            }
        }
    }
}

static uint64_t seed;

static uint32_t pick(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % below;
}

static int64_t pick_gap(int64_t window)
{
    static const int64_t near[] = {-1, 0, 1};

    switch (pick(4)) {
    case 0:
        return pick(10 * 1000);
    case 1:
        return window + near[pick(3)] < 0 ? 0 : window + near[pick(3)] + 1;
    case 2:
        return MINUTE * (int64_t)pick(4) + (pick(2) != 0 ? 1 : 0);
    default:
        return window == 0 ? 1 : window - (int64_t)pick(3);
    }
}

/* Uniform results hardly ever remind: phases of mostly failures and mostly OKs do. */
static enum op pick_op(bool is_bad_phase)
{
    uint32_t dice = pick(100);

    if (dice < 35) {
        return pick(10) < (is_bad_phase ? 9U : 2U) ? OP_FAIL : OP_OK;
    }
    return dice < 75 ? (enum op)(OP_HAND + (int)pick(6) % 4)
                     : (enum op)(OP_ACK + (int)pick(OP_COUNT - OP_ACK));
}

static void steered_random_runs_agree(void **state)
{
    const char *wish = getenv("TOCSIN_MODEL_RUNS");
    unsigned long runs = wish != NULL ? strtoul(wish, NULL, 10) : 1000;
    uint64_t lowest = UINT64_MAX;

    (void)state;
    memset(hits, 0, sizeof(hits));
    for (unsigned long run = 0; run < runs; run++) {
        uint32_t window = minutes[run % 3];

        seed = 88172645463325252ULL + run * 7919;
        world_begin(oks[pick(4)], failures[pick(4)], window);
        for (int i = 0; i < 2000; i++) {
            enum op op = pick_op((i / 40) % 2 == 0);

            if (op == OP_PAUSE && pick(3) != 0) {
                op = OP_RESUME;
            }
            world_step(op, (int)pick(2), pick_gap(world.model.window), pick(2) != 0);
        }
    }
    for (int failing = 0; failing < 2; failing++) {
        for (int op = 0; op < OP_COUNT; op++) {
            for (int guard = 0; guard < 3; guard++) {
                bool is_possible = failing == 1 || guard != 1;

                printf("state %d op %2d guard %d: %llu\n", failing, op, guard,
                       (unsigned long long)hits[failing][op][guard]);
                lowest = is_possible && hits[failing][op][guard] < lowest ? hits[failing][op][guard]
                                                                          : lowest;
            }
        }
    }
    assert_true(runs != 1000 || lowest >= 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_result_sequences_agree),
        cmocka_unit_test(all_short_interleavings_agree),
        cmocka_unit_test(steered_random_runs_agree),
    };

    return cmocka_run_group_tests_name("core model", tests, NULL, NULL);
}
