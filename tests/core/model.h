#ifndef TESTS_CORE_MODEL_H
#define TESTS_CORE_MODEL_H

#include <string.h>

#include "tests/core/world.h"

/* SPEC 1 once more, written from the text alone and in another manner than router/core: one flat
 * record, no incidents as objects, a letter for each message and a number for each word that a
 * recipient is told. Two recipients: 0 a person, 1 a channel that keeps alerts. */

enum {
    MODEL_PEOPLE = 2,
};

struct model_line {
    int count;
    char letter[WORLD_QUEUE]; /* world_letter */
    int word[WORLD_QUEUE];
    char unsure[WORLD_QUEUE];
};

struct model {
    uint32_t need_oks, need_fails;
    int64_t window;
    int failing, paused, oks, fails;
    int64_t last, last_run; /* last notification: decided, scheduled; -1 none */
    int acked, keep, kept;
    int64_t ack_until, kept_until, closed; /* -1 never */
    char who[MODEL_PEOPLE];                /* '.' owed nothing, 'p' queued, 'y' told, 'd' died */
    int word[MODEL_PEOPLE];                /* how many were begun */
    int flying[MODEL_PEOPLE];              /* the first message is in flight */
    struct model_line line[MODEL_PEOPLE];
};

static inline void m_push(struct model *m, int i, char letter)
{
    struct model_line *line = &m->line[i];

    m->word[i] += letter == 'A';
    line->letter[line->count] = letter;
    line->word[line->count] = m->word[i];
    line->unsure[line->count++] = 0;
}

static inline void m_remove(struct model_line *line, int at)
{
    size_t rest = (size_t)(line->count - at - 1);

    memmove(line->letter + at, line->letter + at + 1, rest);
    memmove(line->unsure + at, line->unsure + at + 1, rest);
    memmove(line->word + at, line->word + at + 1, rest * sizeof(line->word[0]));
    line->count--;
}

/* Take back a word's queued messages of a letter, or turn them into another letter. */
static inline void m_take(struct model *m, int i, int word, char letter, char instead)
{
    struct model_line *line = &m->line[i];

    for (int at = line->count - 1; at >= m->flying[i]; at--) {
        if (line->word[at] != word || line->letter[at] != letter) {
            continue;
        }
        if (instead != 0) {
            line->letter[at] = instead;
        } else {
            m_remove(line, at);
        }
    }
}

static inline int m_over(int64_t until, int64_t now)
{
    return until >= 0 && until <= now;
}

static inline void m_end(struct model *m, int64_t now, int64_t run, char letter, int quiet)
{
    for (int i = 0; i < MODEL_PEOPLE; i++) {
        int count = 0;

        if (m->who[i] == 'p' || m->who[i] == 'y') {
            m_take(m, i, m->word[i], 'R', 0);
        }
        if (m->who[i] == 'p') {
            m_take(m, i, m->word[i], 'A', 0);
        }
        count = m->line[i].count;
        if (m->who[i] == 'y') {
            m_push(m, i, quiet && i == 0 ? 'q' : letter);
        } else if (m->who[i] == 'p' && letter == 'E' && i == 0) {
            m_push(m, i, 'c');
        }
        m->who[i] = '.';
        if (letter == 'E' && m->line[i].count > count) {
            m->last = now;
            m->last_run = run;
        }
    }
}

static inline void m_tell(struct model *m, int64_t now, int64_t run)
{
    for (int i = 0; i < MODEL_PEOPLE; i++) {
        m_push(m, i, m->who[i] == 'p' || m->who[i] == 'y' ? 'R' : 'A');
        m->who[i] = m->who[i] == 'y' ? 'y' : 'p';
    }
    m->last = now;
    m->last_run = run;
}

static inline void m_fail(struct model *m, int64_t now, int64_t run)
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
        m->failing = 1;
        if (m->kept && !m_over(m->kept_until, now) &&
            now <= m->closed + (int64_t)m->keep * WORLD_MINUTE) {
            m->acked = 1;
            m->ack_until = m->kept_until;
        } else {
            m->keep = 0;
            m_tell(m, now, run);
        }
        m->kept = 0;
        return;
    }
    if (m->acked && m_over(m->ack_until, now)) {
        m->acked = m->keep = 0;
    }
    if (!m->acked && (passed >= m->window || (m->who[0] == '.' && m->who[1] == '.'))) {
        m_tell(m, now, run);
    }
}

static inline void m_ok(struct model *m, int64_t now, int64_t run)
{
    m->fails = 0;
    if (!m->failing || ++m->oks < (int)(m->need_oks ? m->need_oks : 1)) {
        return;
    }
    m->oks = m->failing = 0;
    if (m->acked && m_over(m->ack_until, now)) {
        m->acked = m->keep = 0;
    }
    m->kept = m->acked && m->keep;
    m->kept_until = m->ack_until;
    m->acked = 0;
    m->closed = now;
    m_end(m, now, run, 'E', 0);
}

/* A step of the first message of a line. */
static inline void m_deliver(struct model *m, enum world_op op, int i)
{
    struct model_line *line = &m->line[i];
    int word = line->word[0];
    int is_alert = line->letter[0] == 'A';
    int is_now = is_alert && word == m->word[i] && m->who[i] != '.';
    int is_sure = !line->unsure[0];

    m->flying[i] = op == OP_HAND;
    line->unsure[0] = (char)(line->unsure[0] || op == OP_LOST || op == OP_LOST_HEARD);
    if (op == OP_SENT || op == OP_DEAD) {
        m_remove(line, 0);
    }
    if (is_now && (op == OP_HAND || op == OP_SENT)) {
        m->who[i] = 'y';
    } else if (is_now && op == OP_RETURNED && is_sure) {
        m->who[i] = 'p';
    } else if (is_now && op == OP_DEAD) {
        m->who[i] = 'd';
        m_take(m, i, word, 'R', 0);
    } else if (is_alert && !is_now && (op == OP_DEAD || (op == OP_RETURNED && is_sure))) {
        m_take(m, i, word, 'A', 0);
        m_take(m, i, word, 'E', op == OP_RETURNED && i == 0 ? 'c' : 0);
        m_take(m, i, word, 'C', 0);
        m_take(m, i, word, 'q', 0);
    }
}

#endif
