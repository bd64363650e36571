/* doctor's look at what runs: the programs, by what tocsin up noted, and the router, runners and channels
 * by what the API says. Called by doctor.c. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/show.h"
#include "cli/siblings.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"

enum {
    STATE_BYTES_MAX = 1024 * 1024,
};

/* --- Programs ---------------------------------------------------------------------------------- */

static void ask_program(struct doctor *doctor, const struct sibling *sibling)
{
    struct err err = ERR_INIT;
    int status = 0;
    TC_CLEANUP(mem_freep) char *text = NULL;
    if (sibling_ask(doctor->cli, sibling, "--check-config", &status, &text, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "programs", "%s", err.text);
    } else if (status != 0) {
        sibling_sentence(text);
        doctor_note(doctor, FINDING_PROBLEM, "programs", "%s refuses the configuration: %s",
                    sibling->label, text);
    }
}

static void look_at_program(struct doctor *doctor, const struct json_value *program)
{
    const char *state = show_text(program, "state");
    if (json_type_of(program) == JSON_OBJECT && !str_eq(state, "ready")) {
        const char *detail = show_text(program, "detail");
        doctor_note(doctor, FINDING_PROBLEM, "programs", "%s is %s%s%s (restarted %lld times)",
                    show_text(program, "name"), state, *detail == '\0' ? "" : ": ", detail,
                    (long long)show_number(program, "restarts"));
    }
}

/* What tocsin up noted last, if it still lives. */
static bool look_at_up(struct doctor *doctor)
{
    TC_CLEANUP(mem_freep) char *path = file_join(doctor->cli->config->state_dir, "up.json");
    TC_CLEANUP(mem_freep) char *text = NULL;
    TC_CLEANUP(json_freep) struct json *json = NULL;
    size_t size = 0;
    if (file_read(path, STATE_BYTES_MAX, &text, &size, NULL) != TC_OK ||
        json_parse(text, size, STATE_BYTES_MAX, &json, NULL) != TC_OK ||
        json_type_of(json_root(json)) != JSON_OBJECT) {
        return false;
    }
    int64_t pid = show_number(json_root(json), "pid");
    bool is_alive = pid > 1 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
    const struct json_value *programs = json_member(json_root(json), "programs");
    if (!is_alive || programs == NULL || json_type_of(programs) != JSON_ARRAY) {
        return false;
    }
    for (const struct json_value *p = json_first(programs); p != NULL; p = json_next(p)) {
        look_at_program(doctor, p);
    }
    return true;
}

void doctor_programs(struct doctor *doctor)
{
    struct sibling siblings[SIBLINGS_MAX];
    size_t count = 0;
    size_t before = doctor_remarks(doctor);
    if (siblings_to_ask(doctor->cli->config, siblings, &count, NULL) != TC_OK) {
        return; /* doctor_keys has told */
    }
    for (size_t i = 0; i < count; i++) {
        ask_program(doctor, &siblings[i]);
    }
    bool is_up = look_at_up(doctor);
    if (doctor_remarks(doctor) == before) {
        doctor_note(doctor, FINDING_OK, "programs", is_up ? "all run" : "all are installed");
    }
}

/* --- The API ----------------------------------------------------------------------------------- */

static const struct json_value *elements(const struct json_value *status, const char *name)
{
    const struct json_value *list = json_member(status, name);
    return list != NULL && json_type_of(list) == JSON_ARRAY ? json_first(list) : NULL;
}

static void look_at_status(struct doctor *doctor, const struct json_value *status)
{
    const struct json_value *router = show_object(status, "router");
    if (router == NULL || !show_flag(router, "isReachable")) {
        doctor_note(doctor, FINDING_PROBLEM, "router",
                    "the web process can't reach it; see its log and keys");
        return;
    }
    const struct json_value *store_ok = json_member(router, "isStoreOk");
    if (store_ok != NULL && json_type_of(store_ok) == JSON_BOOL && !json_boolean(store_ok)) {
        doctor_note(doctor, FINDING_PROBLEM, "router", "it can't write its database; see its log");
    } else {
        doctor_note(doctor, FINDING_OK, "router", "answers");
    }
    for (const struct json_value *r = elements(status, "runners"); r != NULL; r = json_next(r)) {
        if (json_type_of(r) == JSON_OBJECT && !show_flag(r, "isConnected")) {
            doctor_note(doctor, FINDING_PROBLEM, "runners",
                        "%s is not connected; start it, or run tocsin runner revoke %s",
                        show_text(r, "name"), show_text(r, "name"));
        }
    }
    for (const struct json_value *c = elements(status, "channels"); c != NULL; c = json_next(c)) {
        if (json_type_of(c) == JSON_OBJECT && !show_flag(c, "isConnected")) {
            doctor_note(doctor, FINDING_PROBLEM, "channels",
                        "%s is not connected: its notifications wait; start tocsin-notifier %s",
                        show_text(c, "name"), show_text(c, "name"));
        }
    }
}

void doctor_live(struct doctor *doctor)
{
    struct err err = ERR_INIT;
    struct client_answer answer = {0};
    if (client_get(doctor->cli, "/api/v1/status", &answer, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "router", "%s", err.text);
        return;
    }
    look_at_status(doctor, json_root(answer.json));
    client_answer_clear(&answer);
}
