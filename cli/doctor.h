#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct cli;
struct store;

/* What doctor finds: one line a thing looked at. Private to doctor*.c. */
enum finding_level {
    FINDING_OK,
    FINDING_NOTE,    /* worth knowing, nothing is broken */
    FINDING_PROBLEM, /* something is broken or will be: exit status 1 */
};

struct finding {
    enum finding_level level;
    const char *about; /* static: "store", "keys" */
    char *text;        /* owned: what is so, and what to do */
};

struct doctor {
    struct cli *cli;
    struct finding *findings; /* owned */
    size_t count;
    size_t cap;
    size_t problems;
};

/* Note one finding; about is static. Trivial. */
void doctor_note(struct doctor *doctor, enum finding_level level, const char *about,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* How many findings of level PROBLEM or NOTE there are: to tell whether an area was fine. Trivial. */
size_t doctor_remarks(const struct doctor *doctor);

/* Look at an area; each adds findings. cli->config is loaded.
 * Trivial. */
void doctor_keys(struct doctor *doctor);
void doctor_programs(struct doctor *doctor);
void doctor_rows(struct doctor *doctor, struct store *store);
void doctor_live(struct doctor *doctor);

#endif
