/* doctor: looks at everything that can be wrong on this host and says what to do about it. Changes
 * nothing. This file: configuration, storage, audit, clock, and the list; the other areas have their
 * own. */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "cli/audit_file.h"
#include "cli/cli.h"
#include "cli/local_store.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/sys/config.h"
#include "lib/sys/file.h"
#include "proto/link/keys.h"

enum {
    TEXT_BYTES_MAX = 4096,
    OUT_BYTES_MAX = 16 * 1024 * 1024,
    FREE_PERMILLE_MIN = 50,
    MEBI = 1024 * 1024,
};

void doctor_note(struct doctor *doctor, enum finding_level level, const char *about,
                 const char *fmt, ...)
{
    if (doctor->count == doctor->cap) {
        doctor->cap = doctor->cap == 0 ? 64 : doctor->cap * 2;
        doctor->findings = mem_resize(doctor->findings, doctor->cap, sizeof(*doctor->findings));
    }
    TC_CLEANUP(buf_freep) struct buf text;
    buf_init(&text, (size_t)LIMIT_PARAMS_BYTES + TEXT_BYTES_MAX);
    va_list args;
    va_start(args, fmt);
    buf_add_vfmt(&text, fmt, args);
    va_end(args);
    struct finding *finding = &doctor->findings[doctor->count++];
    *finding = (struct finding){.level = level, .about = about};
    finding->text = mem_dup(text.p, text.len);
    doctor->problems += level == FINDING_PROBLEM ? 1 : 0;
}

size_t doctor_remarks(const struct doctor *doctor)
{
    size_t count = 0;
    for (size_t i = 0; i < doctor->count; i++) {
        count += doctor->findings[i].level == FINDING_OK ? 0 : 1;
    }
    return count;
}

/* --- Areas ------------------------------------------------------------------------------------- */

static bool look_at_config(struct doctor *doctor)
{
    struct err err = ERR_INIT;
    struct stat facts;
    if (cli_config(doctor->cli, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "configuration", "%s", err.text);
        return false;
    }
    const struct config *config = doctor->cli->config;
    if (stat(config->file, &facts) == 0 && (facts.st_mode & S_IWOTH) != 0) {
        doctor_note(doctor, FINDING_PROBLEM, "configuration",
                    "%s: everybody may write it; run chmod o-w %s", config->file, config->file);
    } else {
        doctor_note(doctor, FINDING_OK, "configuration", "%s", config->file);
    }
    if (config->router.default_recipients.count == 0) {
        doctor_note(doctor, FINDING_PROBLEM, "configuration",
                    "router.default_recipients is empty: nobody is told of tocsin's own troubles; "
                    "name somebody");
    }
    return true;
}

static void look_at_storage(struct doctor *doctor, struct store *store)
{
    struct err err = ERR_INIT;
    struct store_stats stats;
    if (store_stats(store, &stats, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "disk", "%s", err.text);
        return;
    }
    unsigned long long free_mib = stats.free_bytes / MEBI;
    if (stats.free_permille < FREE_PERMILLE_MIN) {
        doctor_note(doctor, FINDING_PROBLEM, "disk",
                    "only %llu MiB (%u.%u %%) are free where the database lies; make room or move "
                    "state_dir",
                    free_mib, stats.free_permille / 10, stats.free_permille % 10);
    } else if (stats.free_bytes == STORE_FREE_UNKNOWN) {
        doctor_note(doctor, FINDING_OK, "disk", "the database has %llu MiB on its server",
                    (unsigned long long)(stats.file_bytes / MEBI));
    } else {
        doctor_note(doctor, FINDING_OK, "disk", "%llu MiB free, the database has %llu MiB",
                    free_mib, (unsigned long long)((stats.file_bytes + stats.wal_bytes) / MEBI));
    }
}

static void look_at_audit(struct doctor *doctor, struct store *store)
{
    struct err err = ERR_INIT;
    struct audit_walk walk;
    TC_CLEANUP(mem_freep)
    char *path = file_join(doctor->cli->config->keys.dir, LINK_FILE_AUDIT_PUB);
    TC_CLEANUP(mem_freep) char *pem = NULL;
    audit_walk_start(&walk);
    if (file_read(path, DIGEST_PEM_MAX, &pem, NULL, NULL) == TC_OK) {
        (void)digest_key_read(pem, &walk.key, NULL); /* doctor_keys tells of a bad key */
    }
    if (audit_walk_store(&walk, store, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "audit",
                    "%s; keep a copy of the database and of every export, and find out who changed "
                    "it",
                    err.text);
    } else {
        doctor_note(doctor, FINDING_OK, "audit", "%llu records, %llu checkpoints",
                    (unsigned long long)walk.check.sequence, (unsigned long long)walk.checkpoints);
    }
    audit_walk_end(&walk);
}

static void look_at_store(struct doctor *doctor)
{
    struct err err = ERR_INIT;
    TC_CLEANUP(store_closep) struct store *store = NULL;
    if (local_store_open(doctor->cli, &store, &err) != TC_OK) {
        doctor_note(doctor, FINDING_PROBLEM, "store", "%s", err.text);
        return;
    }
    doctor_note(doctor, FINDING_OK, "store", "%s", doctor->cli->config->store.url);
    look_at_storage(doctor, store);
    doctor_rows(doctor, store);
    look_at_audit(doctor, store);
}

static void look_at_clock(struct doctor *doctor)
{
    struct timex facts = {0};
    if (adjtimex(&facts) == TIME_ERROR) {
        doctor_note(
            doctor, FINDING_NOTE, "clock",
            "this host's clock is not synchronised; install chrony or systemd-timesyncd, so "
            "that schedules and times in messages are right");
    } else {
        doctor_note(doctor, FINDING_OK, "clock", "synchronised");
    }
}

/* --- The list ---------------------------------------------------------------------------------- */

static const char *const level_names[] = {
    [FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_PROBLEM] = "problem"};

static void print_json(const struct doctor *doctor, struct buf *out)
{
    struct json_enc enc;
    json_enc_start(&enc, out);
    json_enc_obj(&enc, NULL);
    json_enc_bool(&enc, "ok", doctor->problems == 0);
    json_enc_arr(&enc, "findings");
    for (size_t i = 0; i < doctor->count; i++) {
        json_enc_obj(&enc, NULL);
        json_enc_str(&enc, "level", level_names[doctor->findings[i].level]);
        json_enc_str(&enc, "about", doctor->findings[i].about);
        json_enc_str(&enc, "text", doctor->findings[i].text);
        json_enc_obj_end(&enc);
    }
    json_enc_arr_end(&enc);
    json_enc_obj_end(&enc);
    buf_add_char(out, '\n');
}

static void print_lines(const struct doctor *doctor, struct buf *out)
{
    static const enum table_colour colours[] = {
        [FINDING_OK] = TABLE_GOOD, [FINDING_NOTE] = TABLE_WEAK, [FINDING_PROBLEM] = TABLE_BAD};
    for (size_t i = 0; i < doctor->count; i++) {
        const struct finding *finding = &doctor->findings[i];
        char head[64];
        (void)snprintf(head, sizeof(head), "%-8s", level_names[finding->level]); /* short words */
        table_paint(out, head, colours[finding->level], doctor->cli->is_coloured);
        buf_add_fmt(out, " %s: ", finding->about);
        table_paint(out, finding->text, TABLE_PLAIN, false);
        buf_add_char(out, '\n');
    }
}

/* What a doctor who found something ends with: the list is the message, no second one is needed. */
static int end_status(const struct doctor *doctor)
{
    return doctor->problems == 0 ? TC_OK : TC_ECORRUPT;
}

int verb_doctor(struct cli *cli, struct err *err)
{
    struct doctor doctor = {.cli = cli};
    if (look_at_config(&doctor)) {
        doctor_keys(&doctor);
        look_at_store(&doctor);
        doctor_programs(&doctor);
        doctor_live(&doctor);
    }
    look_at_clock(&doctor);
    TC_CLEANUP(buf_freep) struct buf out;
    buf_init(&out, OUT_BYTES_MAX);
    if (cli->args.is_json) {
        print_json(&doctor, &out);
    } else {
        print_lines(&doctor, &out);
    }
    int code = cli_print(&out, err);
    for (size_t i = 0; i < doctor.count; i++) {
        mem_free(doctor.findings[i].text);
    }
    mem_free(doctor.findings);
    return code == TC_OK ? end_status(&doctor) : code;
}
