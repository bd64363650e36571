/* The log of a process: one line a fact on standard error, or one datagram a fact to the journal.
 * The format string is walked here, not by printf, so that each value is escaped and quoted by
 * itself. Called by the shells of processes; libraries return errors instead. */
#include "lib/sys/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/cleanup.h"
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/timetext.h"
#include "lib/sys/clock.h"

enum {
    FIELD_COUNT_MAX = 24,
    VALUE_BYTES_MAX = 1024, /* longer texts are cut with a mark: the row holds them whole */
};

/* One record taken apart: a message and its fields, raw. */
struct field {
    const char *key; /* into the format; key_size bytes */
    size_t key_size;
    size_t value_at; /* into text */
    size_t value_size;
    bool is_number;
};

struct record {
    enum log_level level;
    const char *area;
    struct buf text; /* message and values one behind the other */
    size_t message_size;
    struct field fields[FIELD_COUNT_MAX];
    size_t field_count;
};

static struct {
    const char *program;
    const struct clock *clock;
    enum log_format format;
    enum log_level level;
    uint64_t lost_count;
    int journal_fd;
} state = {"tocsin", NULL, LOG_FORMAT_TEXT, LOG_LEVEL_WARN, 0, -1};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_start(const char *program, enum log_format format, enum log_level level,
               const struct clock *clock)
{
    TC_ASSERT(program != NULL);
    TC_ASSERT(level <= LOG_LEVEL_DEBUG);
    state.program = program;
    state.format = format;
    state.level = level;
    state.clock = clock;
    if (format == LOG_FORMAT_JOURNAL && state.journal_fd < 0) {
        state.journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
}

/* The length modifiers of the contract, as read from a format. */
enum width {
    WIDTH_INT,
    WIDTH_LONG,
    WIDTH_LONG_LONG,
    WIDTH_SIZE,
    WIDTH_MAX
};

static enum width read_width(const char **cursor)
{
    if (**cursor == 'z') {
        (*cursor)++;
        return WIDTH_SIZE;
    }
    if (**cursor == 'j') {
        (*cursor)++;
        return WIDTH_MAX;
    }
    enum width width = WIDTH_INT;
    if (**cursor == 'l') {
        (*cursor)++;
        width = WIDTH_LONG;
    }
    if (**cursor == 'l') {
        (*cursor)++;
        width = WIDTH_LONG_LONG;
    }
    return width;
}

static intmax_t take_signed(va_list *args, enum width width)
{
    switch (width) {
    case WIDTH_INT:
        return va_arg(*args, int);
    case WIDTH_LONG:
        return va_arg(*args, long);
    case WIDTH_LONG_LONG:
        return va_arg(*args, long long);
    /* NOLINTNEXTLINE(bugprone-branch-clone): two types, of one size on this machine */
    case WIDTH_SIZE:
        return va_arg(*args, ssize_t);
    case WIDTH_MAX:
        return va_arg(*args, intmax_t);
    }
    TC_UNREACHABLE();
}

static uintmax_t take_unsigned(va_list *args, enum width width)
{
    switch (width) {
    case WIDTH_INT:
        return va_arg(*args, unsigned);
    case WIDTH_LONG:
        return va_arg(*args, unsigned long);
    case WIDTH_LONG_LONG:
        return va_arg(*args, unsigned long long);
    /* NOLINTNEXTLINE(bugprone-branch-clone): two types, of one size on this machine */
    case WIDTH_SIZE:
        return va_arg(*args, size_t);
    case WIDTH_MAX:
        return va_arg(*args, uintmax_t);
    }
    TC_UNREACHABLE();
}

/* Append one conversion; *cursor stands behind its '%'. True when it is a number. */
static bool add_conversion(struct buf *out, const char **cursor, va_list *args)
{
    enum width width = read_width(cursor);
    char conversion = **cursor;
    (*cursor)++;
    switch (conversion) {
    case 's': {
        const char *text = va_arg(*args, const char *);
        size_t size = text == NULL ? 0 : strnlen(text, VALUE_BYTES_MAX + 1);
        bool is_cut = size > VALUE_BYTES_MAX;
        buf_add(out, text == NULL ? "" : text, is_cut ? VALUE_BYTES_MAX : size);
        buf_add_str(out, is_cut ? "..." : "");
        return false;
    }
    case 'd':
    case 'i':
        buf_add_fmt(out, "%jd", take_signed(args, width));
        return true;
    case 'u':
        buf_add_fmt(out, "%ju", take_unsigned(args, width));
        return true;
    case 'x':
        buf_add_fmt(out, "%jx", take_unsigned(args, width));
        return false;
    case 'c':
        buf_add_char(out, (char)va_arg(*args, int));
        return false;
    case '%':
        buf_add_char(out, '%');
        return false;
    default:
        TC_UNREACHABLE();
    }
}

/* Append text up to the byte `end` or the end of the format; the number of conversions told apart
 * from literal text decides whether a value is a number. */
static bool add_until(struct buf *out, const char **cursor, char end, va_list *args)
{
    bool is_number = true;
    size_t parts = 0;
    while (**cursor != '\0' && **cursor != end) {
        if (**cursor == '%') {
            (*cursor)++;
            is_number &= add_conversion(out, cursor, args);
        } else {
            buf_add_char(out, **cursor);
            (*cursor)++;
            is_number = false;
        }
        parts++;
    }
    return is_number && parts == 1;
}

/* Whether "; key=" stands here; a semicolon within a sentence is not one. */
static bool is_field_next(const char *cursor)
{
    cursor += strspn(cursor, "; ");
    size_t size = strspn(cursor, "abcdefghijklmnopqrstuvwxyz_");
    return size > 0 && cursor[size] == '=';
}

static void read_record(struct record *record, const char *fmt, va_list *args)
{
    const char *cursor = fmt;
    (void)add_until(&record->text, &cursor, ';', args); /* a message is text, whatever is in it */
    while (*cursor == ';' && !is_field_next(cursor)) {
        buf_add_char(&record->text, ';');
        cursor++;
        (void)add_until(&record->text, &cursor, ';', args);
    }
    record->message_size = record->text.len;
    while (*cursor == ';' || *cursor == ' ') {
        cursor++;
        if (*cursor == ' ' || *cursor == '\0') {
            continue;
        }
        TC_ASSERT(record->field_count < FIELD_COUNT_MAX);
        struct field *field = &record->fields[record->field_count++];
        const char *equals = strchr(cursor, '=');
        TC_ASSERT(equals != NULL);
        field->key = cursor;
        field->key_size = (size_t)(equals - cursor);
        cursor = equals + 1;
        field->value_at = record->text.len;
        field->is_number = add_until(&record->text, &cursor, ' ', args);
        field->value_size = record->text.len - field->value_at;
    }
}

/* --- Three ways to write it -------------------------------------------------------------------- */

static bool needs_quotes(const char *value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') {
            return true;
        }
    }
    return size == 0;
}

static void add_time(struct buf *out)
{
    if (state.clock != NULL) {
        char text[TIMETEXT_SIZE];
        buf_add_str(out, timetext_rfc3339(clock_now_utc_ms(state.clock), text));
    }
}

static void format_text(const struct record *record, struct buf *out)
{
    add_time(out);
    buf_add_fmt(out, "%s%s %s.%s msg=\"", out->len > 0 ? " " : "", level_names[record->level],
                state.program, record->area);
    escape_quoted(out, record->text.p, record->message_size);
    buf_add_char(out, '"');
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        const char *value = record->text.p + field->value_at;
        buf_add_fmt(out, " %.*s=", (int)field->key_size, field->key);
        if (needs_quotes(value, field->value_size)) {
            buf_add_char(out, '"');
            escape_quoted(out, value, field->value_size);
            buf_add_char(out, '"');
        } else {
            buf_add(out, value, field->value_size);
        }
    }
    buf_add_char(out, '\n');
}

static void format_json(const struct record *record, struct buf *out)
{
    struct json_enc enc;
    json_enc_start(&enc, out);
    json_enc_obj(&enc, NULL);
    if (state.clock != NULL) {
        json_enc_time(&enc, "time", clock_now_utc_ms(state.clock));
    }
    json_enc_str(&enc, "level", level_names[record->level]);
    json_enc_str(&enc, "program", state.program);
    json_enc_str(&enc, "area", record->area);
    json_enc_strn(&enc, "msg", record->text.p, record->message_size);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        const char *value = record->text.p + field->value_at;
        char key[64];
        (void)snprintf(key, sizeof(key), "%.*s", (int)field->key_size, field->key); /* our names */
        if (field->is_number) {
            json_enc_raw(&enc, key, value, field->value_size);
        } else {
            json_enc_strn(&enc, key, value, field->value_size);
        }
    }
    json_enc_obj_end(&enc);
    buf_add_char(out, '\n');
}

/* One field in the journal's native protocol: binary-safe, so nothing needs escaping. */
static void add_journal_field(struct buf *out, const char *name, size_t name_size,
                              const char *value, size_t value_size)
{
    for (size_t i = 0; i < name_size; i++) {
        char c = name[i];
        buf_add_char(out, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
    }
    buf_add_char(out, '\n');
    for (unsigned shift = 0; shift < 64; shift += 8) {
        buf_add_char(out, (char)(((uint64_t)value_size >> shift) & 0xff)); /* little-endian */
    }
    buf_add(out, value, value_size);
    buf_add_char(out, '\n');
}

static void format_journal(const struct record *record, struct buf *out)
{
    static const char *const priorities[] = {"3", "4", "6", "7"};
    char identifier[64];
    int size = snprintf(identifier, sizeof(identifier), "tocsin-%s", state.program);
    TC_ASSERT(size > 0 && size < (int)sizeof(identifier));
    add_journal_field(out, "PRIORITY", 8, priorities[record->level], 1);
    add_journal_field(out, "SYSLOG_IDENTIFIER", 17, identifier, (size_t)size);
    add_journal_field(out, "TOCSIN_AREA", 11, record->area, strlen(record->area));
    add_journal_field(out, "MESSAGE", 7, record->text.p, record->message_size);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        char name[64];
        int name_size =
            snprintf(name, sizeof(name), "TOCSIN_%.*s", (int)field->key_size, field->key);
        TC_ASSERT(name_size > 0 && name_size < (int)sizeof(name));
        add_journal_field(out, name, (size_t)name_size, record->text.p + field->value_at,
                          field->value_size);
    }
}

static bool write_out(const struct buf *line, enum log_format format)
{
    if (format == LOG_FORMAT_JOURNAL) {
        const struct sockaddr_un journal = {.sun_family = AF_UNIX,
                                            .sun_path = "/run/systemd/journal/socket"};
        ssize_t sent = sendto(state.journal_fd, line->p, line->len, MSG_DONTWAIT | MSG_NOSIGNAL,
                              (const struct sockaddr *)&journal, sizeof(journal));
        return sent == (ssize_t)line->len;
    }
    ssize_t written = -1;
    do {
        written = write(STDERR_FILENO, line->p, line->len);
    } while (written < 0 && errno == EINTR);
    return written == (ssize_t)line->len;
}

static void write_record(const struct record *record)
{
    TC_CLEANUP(buf_freep) struct buf line;
    buf_init(&line, (size_t)4 * LIMIT_LOG_LINE_BYTES);
    enum log_format format = state.format;
    switch (format) {
    case LOG_FORMAT_TEXT:
        format_text(record, &line);
        break;
    case LOG_FORMAT_JSON:
        format_json(record, &line);
        break;
    case LOG_FORMAT_JOURNAL:
        format_journal(record, &line);
        break;
    }
    if (line.err != TC_OK || !write_out(&line, format)) {
        state.lost_count++;
    }
}

/* Say how many records were lost, once the way out works again. */
static void write_lost(void)
{
    uint64_t lost = state.lost_count;
    if (lost == 0) {
        return;
    }
    state.lost_count = 0;
    struct record record = {.level = LOG_LEVEL_WARN, .area = "log", .field_count = 1};
    buf_init(&record.text, LIMIT_LOG_LINE_BYTES);
    buf_add_str(&record.text, "records were lost");
    record.message_size = record.text.len;
    buf_add_fmt(&record.text, "%ju", (uintmax_t)lost);
    record.fields[0] = (struct field){.key = "count",
                                      .key_size = 5,
                                      .value_at = record.message_size,
                                      .value_size = record.text.len - record.message_size,
                                      .is_number = true};
    write_record(&record);
    if (state.lost_count > 0) {
        state.lost_count += lost - 1; /* the report itself is no loss */
    }
    buf_free(&record.text);
}

static void log_record(enum log_level level, const char *area, const char *fmt, va_list *args)
{
    if (level > state.level) {
        return;
    }
    write_lost();
    struct record record = {.level = level, .area = area};
    buf_init(&record.text, LIMIT_LOG_LINE_BYTES);
    read_record(&record, fmt, args);
    if (record.text.err != TC_OK) {
        state.lost_count++;
    } else {
        write_record(&record);
    }
    buf_free(&record.text);
}

void log_error(const char *area, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_record(LOG_LEVEL_ERROR, area, fmt, &args);
    va_end(args);
}

void log_warn(const char *area, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_record(LOG_LEVEL_WARN, area, fmt, &args);
    va_end(args);
}

void log_info(const char *area, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_record(LOG_LEVEL_INFO, area, fmt, &args);
    va_end(args);
}

void log_debug(const char *area, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_record(LOG_LEVEL_DEBUG, area, fmt, &args);
    va_end(args);
}
