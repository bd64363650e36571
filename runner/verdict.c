/* Judges a run: how a check ended and what it printed become a result with a reason and a message
 * that says which. It starts nothing, reads no clock and knows no monitor. Called by the runner for
 * each report of its spawner. */
#include "runner/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/utf8.h"
#include "runner/perfdata.h"

enum {
    NAGIOS_OK = 0,
    NAGIOS_WARNING = 1,
    NAGIOS_UNKNOWN = 3,
    REPAIR_FACTOR = 3, /* a broken byte becomes the three of U+FFFD */
    METRICS_BYTES = LIMIT_OUTPUT_BYTES * 4,
    SAID_BYTES = 2000, /* of what a failed run printed, for orientation */
};

static const char *const names[] = {
    [VERDICT_REASON_OK] = "ok",
    [VERDICT_REASON_FAILED] = "failed",
    [VERDICT_REASON_EXIT] = "exit",
    [VERDICT_REASON_SIGNAL] = "signal",
    [VERDICT_REASON_TIMEOUT] = "timeout",
    [VERDICT_REASON_STUCK] = "stuck",
    [VERDICT_REASON_OUTPUT] = "output",
    [VERDICT_REASON_JSON] = "json",
    [VERDICT_REASON_MISSING] = "missing",
    [VERDICT_REASON_NOT_ALLOWED] = "not_allowed",
    [VERDICT_REASON_NOT_EXECUTABLE] = "not_executable",
    [VERDICT_REASON_START] = "start",
    [VERDICT_REASON_CONFIG] = "config",
    [VERDICT_REASON_OVERRUN] = "overrun",
    [VERDICT_REASON_LOST] = "lost",
    [VERDICT_REASON_MEMORY] = "memory",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == VERDICT_REASON_MEMORY + 1, "one name a reason");

const char *verdict_reason_name(enum verdict_reason reason)
{
    TC_ASSERT((size_t)reason < sizeof(names) / sizeof(names[0]));
    return names[reason];
}

void verdict_init(struct verdict *v)
{
    *v = (struct verdict){.reason = VERDICT_REASON_LOST};
    buf_init(&v->message, LIMIT_MESSAGE_BYTES);
    buf_init(&v->metrics, METRICS_BYTES);
}

void verdict_free(struct verdict *v)
{
    buf_free(&v->message);
    buf_free(&v->metrics);
}

void verdict_freep(struct verdict *v)
{
    verdict_free(v);
}

static void verdict_reset(struct verdict *v, bool is_ok, enum verdict_reason reason)
{
    v->is_ok = is_ok;
    v->reason = reason;
    buf_reset(&v->message);
    buf_reset(&v->metrics);
}

void verdict_refuse(enum verdict_reason reason, const char *text, struct verdict *v)
{
    TC_ASSERT(reason != VERDICT_REASON_OK);
    verdict_reset(v, false, reason);
    size_t size = strlen(text);
    TC_CLEANUP(buf_freep) struct buf repaired;
    buf_init(&repaired, size * REPAIR_FACTOR + 1);
    utf8_add_repaired(&repaired, text, size);
    utf8_add_cut(&v->message, repaired.p, repaired.len, LIMIT_MESSAGE_BYTES);
}

/* Append bytes of a check as text, at most max of them, under a heading. */
static void add_quoted(struct buf *message, const char *heading, const char *bytes, size_t size,
                       size_t max)
{
    size_t text_size = 0;
    const char *text = str_trim(bytes, size, &text_size);
    if (text_size == 0) {
        return;
    }
    TC_CLEANUP(buf_freep) struct buf repaired;
    buf_init(&repaired, text_size * REPAIR_FACTOR);
    utf8_add_repaired(&repaired, text, text_size);
    buf_add_str(message, heading);
    utf8_add_cut(message, repaired.p, repaired.len, max);
}

static void add_errors(struct buf *message, const struct verdict_outcome *o)
{
    /* The sentence before this is short, so both always fit: 4 KiB of repaired bytes are 12. */
    if (o->is_out_of_processes) {
        buf_add_fmt(message, "\nIt wanted more than the %d processes that a check may have.",
                    LIMIT_CHECK_PROCESSES);
    }
    const char *heading = "\nIts standard error:\n";
    if (o->is_errors_cut) {
        heading = "\nThe end of its standard error:\n";
    }
    add_quoted(message, heading, o->errors, o->errors_size,
               (size_t)LIMIT_STDERR_BYTES * REPAIR_FACTOR);
}

static void add_said(struct buf *message, const struct verdict_outcome *o)
{
    add_quoted(message, "\nIt printed:\n", o->out, o->out_size, SAID_BYTES);
}

static const char *signal_hint(int number)
{
    switch (number) {
    case SIGKILL:
        return "; the kernel does that when memory is out";
    case SIGXCPU:
        return "; that is its limit of processor time";
    case SIGXFSZ:
        return "; that is its limit of file size";
    case SIGSYS:
        return "; that is a system call it may not make";
    default:
        return "";
    }
}

static void judge_signal(const struct verdict_outcome *o, struct verdict *v)
{
    verdict_reset(v, false, VERDICT_REASON_SIGNAL);
    const char *name = sigabbrev_np(o->code);
    buf_add_fmt(&v->message, "The check was killed by signal %d", o->code);
    if (name != NULL) {
        buf_add_fmt(&v->message, " (SIG%s%s)", name, signal_hint(o->code));
    }
    buf_add_char(&v->message, '.');
    add_said(&v->message, o);
    add_errors(&v->message, o);
}

static void judge_still_stuck(const struct verdict_outcome *o, struct verdict *v)
{
    verdict_reset(v, false, VERDICT_REASON_STUCK);
    buf_add_str(&v->message,
                "The check was not started: a process of an earlier run is still there, which not "
                "even SIGKILL ended. It may wait for a disk or a network file system.");
    add_errors(&v->message, o);
}

static void judge_timeout(const struct verdict_outcome *o, bool is_stuck, struct verdict *v)
{
    verdict_reset(v, false, is_stuck ? VERDICT_REASON_STUCK : VERDICT_REASON_TIMEOUT);
    buf_add_fmt(&v->message, "The check ran into its time limit of %" PRId64 ".%03" PRId64 " s",
                o->timeout_ms / 1000, o->timeout_ms % 1000);
    buf_add_str(&v->message, is_stuck ? " and not even SIGKILL ended it." : " and was ended.");
    add_said(&v->message, o);
    add_errors(&v->message, o);
}

static void judge_not_started(const struct verdict_outcome *o, struct verdict *v)
{
    const char *hint = "";
    enum verdict_reason reason = VERDICT_REASON_NOT_EXECUTABLE;
    if (o->code == TC_ENOENT) {
        /* The file itself was found before: what is missing is its interpreter. */
        hint = "\nThe interpreter in its first line may be missing.";
    } else if (o->code == TC_EAGAIN || o->code == TC_EIO || o->code == TC_ENOSPC) {
        reason = VERDICT_REASON_START;
    }
    verdict_reset(v, false, reason);
    add_quoted(&v->message, "The check could not be started: ", o->errors, o->errors_size,
               LIMIT_STDERR_BYTES);
    buf_add_str(&v->message, hint);
}

static void judge_exit_status(const struct verdict_outcome *o, const char *wanted,
                              struct verdict *v)
{
    verdict_reset(v, false, VERDICT_REASON_EXIT);
    buf_add_fmt(&v->message, "The check exited with status %d%s.", o->code, wanted);
    add_said(&v->message, o);
    add_errors(&v->message, o);
}

static void judge_output(const struct verdict_outcome *o, const char *text, struct verdict *v)
{
    verdict_reset(v, false, VERDICT_REASON_OUTPUT);
    buf_add_str(&v->message, text);
    add_errors(&v->message, o);
}

/* Judge by the end alone, where that decides; false when the output has to be read. */
static bool judge_end(const struct verdict_outcome *o, struct verdict *v)
{
    switch (o->end) {
    case VERDICT_SIGNALED:
        judge_signal(o, v);
        return true;
    case VERDICT_TIMED_OUT:
        judge_timeout(o, false, v);
        return true;
    case VERDICT_STUCK:
        if (o->code != 0) {
            judge_still_stuck(o, v);
        } else {
            judge_timeout(o, true, v);
        }
        return true;
    case VERDICT_NOT_STARTED:
        judge_not_started(o, v);
        return true;
    case VERDICT_OUT_OF_MEMORY:
        verdict_reset(v, false, VERDICT_REASON_MEMORY);
        buf_add_str(&v->message, "The check ran out of memory: it reached the limit of "
                                 "runner.memory_bytes and was killed.");
        add_said(&v->message, o);
        add_errors(&v->message, o);
        return true;
    case VERDICT_WORKER_GONE:
        verdict_reset(v, false, VERDICT_REASON_EXIT);
        buf_add_str(&v->message, "The built-in check's process ended without an answer.");
        add_errors(&v->message, o);
        return true;
    case VERDICT_LOST:
        verdict_reset(v, false, VERDICT_REASON_LOST);
        buf_add_str(&v->message, "The run was interrupted: the runner was stopped or restarted "
                                 "while the check was running.");
        return true;
    case VERDICT_EXITED:
    case VERDICT_ANSWERED:
        break;
    }
    if (o->is_out_cut) {
        verdict_reset(v, false, VERDICT_REASON_OUTPUT);
        buf_add_fmt(&v->message, "The check printed more than %d bytes, which is the limit.",
                    LIMIT_OUTPUT_BYTES);
        add_errors(&v->message, o);
        return true;
    }
    return false;
}

/* --- The JSON contract ------------------------------------------------------------------------ */

static int read_metrics(const struct json_value *metrics, struct buf *out, struct err *err)
{
    if (json_type_of(metrics) != JSON_OBJECT) {
        return err_set(err, TC_EPARSE, "\"metrics\" must be an object of numbers");
    }
    if (json_count(metrics) > LIMIT_METRICS) {
        return err_set(err, TC_ERANGE, "\"metrics\" has %zu members, the limit is %d",
                       json_count(metrics), LIMIT_METRICS);
    }
    struct json_enc e;
    json_enc_start(&e, out);
    json_enc_obj(&e, NULL);
    for (const struct json_value *m = json_first(metrics); m != NULL; m = json_next(m)) {
        size_t size = strlen(json_name(m));
        if (size == 0 || size > LIMIT_NAME_BYTES) {
            return err_set(err, TC_ERANGE, "a name in \"metrics\" must have 1 to %d bytes",
                           LIMIT_NAME_BYTES);
        }
        if (json_type_of(m) != JSON_NUMBER) {
            return err_set(err, TC_EPARSE, "\"metrics\".\"%.100s\" must be a number", json_name(m));
        }
        json_enc_value(&e, json_name(m), m);
    }
    json_enc_obj_end(&e);
    return TC_OK;
}

static int read_answer(const struct json_value *root, struct verdict *v, struct err *err)
{
    if (json_type_of(root) != JSON_OBJECT) {
        return err_set(err, TC_EPARSE, "it must be one JSON object");
    }
    const struct json_value *is_ok = json_member(root, "isOk");
    const struct json_value *message = json_member(root, "message");
    const struct json_value *metrics = json_member(root, "metrics");
    if (is_ok == NULL) {
        return err_set(err, TC_EPARSE, "\"isOk\" is missing");
    }
    if (json_type_of(is_ok) != JSON_BOOL) {
        return err_set(err, TC_EPARSE, "\"isOk\" must be true or false");
    }
    if (message == NULL) {
        return err_set(err, TC_EPARSE, "\"message\" is missing");
    }
    if (json_type_of(message) != JSON_STRING) {
        return err_set(err, TC_EPARSE, "\"message\" must be a string");
    }
    bool is_fine = json_boolean(is_ok);
    verdict_reset(v, is_fine, is_fine ? VERDICT_REASON_OK : VERDICT_REASON_FAILED);
    buf_add_str(&v->message, json_string(message));
    if (v->message.err != TC_OK) {
        return err_set(err, TC_ERANGE, "\"message\" has %zu bytes, the limit is %d",
                       strlen(json_string(message)), LIMIT_MESSAGE_BYTES);
    }
    if (metrics != NULL) {
        return read_metrics(metrics, &v->metrics, err);
    }
    return TC_OK;
}

static void judge_json(const struct verdict_outcome *o, struct verdict *v)
{
    if (o->end == VERDICT_EXITED && o->code != 0) {
        judge_exit_status(o, ", not 0", v);
        return;
    }
    size_t text_size = 0;
    (void)str_trim(o->out, o->out_size, &text_size);
    if (text_size == 0) {
        judge_output(o, "The check printed nothing; it must print one JSON object.", v);
        return;
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, o->out_size * REPAIR_FACTOR);
    utf8_add_repaired(&text, o->out, o->out_size);
    TC_CLEANUP(json_freep) struct json *json = NULL;
    struct err err = ERR_INIT;
    int rc = json_parse(text.p, text.len, text.len, &json, &err);
    if (rc == TC_OK) {
        rc = read_answer(json_root(json), v, &err);
    }
    if (rc != TC_OK) {
        verdict_reset(v, false, VERDICT_REASON_JSON);
        buf_add_fmt(&v->message, "The check's output is not what a check must print: %s.",
                    err.text);
        add_said(&v->message, o);
        add_errors(&v->message, o);
    }
}

/* --- The Nagios convention -------------------------------------------------------------------- */

static void judge_nagios(const struct verdict_outcome *o, bool warning_is_ok, struct verdict *v)
{
    if (o->code < NAGIOS_OK || o->code > NAGIOS_UNKNOWN) {
        judge_exit_status(o, ", a plugin has only 0 to 3", v);
        return;
    }
    TC_CLEANUP(buf_freep) struct buf text;
    TC_CLEANUP(buf_freep) struct buf metrics;
    buf_init(&text, (size_t)LIMIT_OUTPUT_BYTES * REPAIR_FACTOR);
    buf_init(&metrics, METRICS_BYTES);
    perfdata_split(o->out, o->out_size, &text, &metrics);
    bool is_ok = o->code == NAGIOS_OK || (o->code == NAGIOS_WARNING && warning_is_ok);
    if (text.len == 0) {
        verdict_reset(v, false, VERDICT_REASON_OUTPUT);
        buf_add_fmt(&v->message, "The plugin printed no text and exited with status %d.", o->code);
        add_errors(&v->message, o);
        return;
    }
    if (text.len > LIMIT_MESSAGE_BYTES) {
        judge_output(o, "The plugin's text is over the limit of 65536 bytes.", v);
        return;
    }
    verdict_reset(v, is_ok, is_ok ? VERDICT_REASON_OK : VERDICT_REASON_FAILED);
    buf_add(&v->message, text.p, text.len);
    buf_add(&v->metrics, metrics.p, metrics.len);
}

void verdict_judge(const struct verdict_outcome *outcome, enum verdict_convention convention,
                   bool warning_is_ok, struct verdict *v)
{
    TC_ASSERT(outcome != NULL);
    TC_ASSERT(v != NULL);
    if (judge_end(outcome, v)) {
        return;
    }
    switch (convention) {
    case VERDICT_JSON:
        judge_json(outcome, v);
        return;
    case VERDICT_NAGIOS:
        judge_nagios(outcome, warning_is_ok, v);
        return;
    }
    TC_UNREACHABLE();
}
