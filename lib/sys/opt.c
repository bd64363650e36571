/* Options by table: long and short, with values joined or apart. Own reading instead of getopt_long,
 * which keeps global state, prints by itself and takes unique prefixes that stop being unique later.
 * Called by program.c and the command line. */
#include "lib/sys/opt.h"

#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

struct reader {
    const struct opt *opts;
    int argc;
    char **argv;
    int at;
};

static const struct opt *find_long(const struct opt *opts, const char *name, size_t size)
{
    for (const struct opt *opt = opts; opt->name != NULL; opt++) {
        if (strlen(opt->name) == size && strncmp(opt->name, name, size) == 0) {
            return opt;
        }
    }
    return NULL;
}

static const struct opt *find_short(const struct opt *opts, char letter)
{
    for (const struct opt *opt = opts; opt->name != NULL; opt++) {
        if (opt->letter == letter) {
            return opt;
        }
    }
    return NULL;
}

static int fail_value(const struct opt *opt, const char *value, const char *wanted, struct err *err)
{
    return err_set(err, TC_EINVAL, "--%s: \"%s\" is not %s", opt->name, value, wanted);
}

static int take_integer(const struct opt *opt, const char *value, struct err *err)
{
    if (parse_whole_i64(value, opt->min, opt->max, opt->to) != TC_OK) {
        return err_set(err, TC_EINVAL, "--%s: \"%s\" is not a whole number from %lld to %lld",
                       opt->name, value, (long long)opt->min, (long long)opt->max);
    }
    return TC_OK;
}

static int take_choice(const struct opt *opt, const char *value, struct err *err)
{
    for (const char *const *choice = opt->choices; *choice != NULL; choice++) {
        if (str_eq(*choice, value)) {
            *(const char **)opt->to = *choice;
            return TC_OK;
        }
    }
    const char *near = str_nearest(value, opt->choices);
    return err_set(err, TC_EINVAL, "--%s: \"%s\" is unknown%s%s; it takes %s", opt->name, value,
                   near == NULL ? "" : ", did you mean ", near == NULL ? "" : near, opt->arg);
}

static int take_value(const struct opt *opt, const char *value, struct err *err)
{
    switch (opt->type) {
    case OPT_FLAG:
        *(bool *)opt->to = true;
        return TC_OK;
    case OPT_TEXT:
        *(const char **)opt->to = value;
        return TC_OK;
    case OPT_LIST: {
        struct opt_list *list = opt->to;
        if (list->count == OPT_LIST_MAX) {
            return err_set(err, TC_ERANGE, "--%s: more than %d times", opt->name, OPT_LIST_MAX);
        }
        list->items[list->count++] = value;
        return TC_OK;
    }
    case OPT_INTEGER:
        return take_integer(opt, value, err);
    case OPT_DURATION:
        if (parse_whole_duration(value, opt->to) != TC_OK) {
            return fail_value(opt, value, "a duration like 30s, 5m or 2h", err);
        }
        return TC_OK;
    case OPT_CHOICE:
        return take_choice(opt, value, err);
    }
    TC_UNREACHABLE();
}

/* The value joined to an option, or the next word. */
static int value_of(struct reader *reader, const struct opt *opt, const char *joined,
                    const char **ret_value, struct err *err)
{
    if (opt->type == OPT_FLAG) {
        if (joined != NULL) {
            return err_set(err, TC_EINVAL, "--%s takes no value", opt->name);
        }
        *ret_value = NULL;
        return TC_OK;
    }
    if (joined == NULL) {
        if (reader->at + 1 >= reader->argc) {
            return err_set(err, TC_EINVAL, "--%s needs %s", opt->name, opt->arg);
        }
        joined = reader->argv[++reader->at];
    }
    *ret_value = joined;
    return TC_OK;
}

static int take_long(struct reader *reader, const char *word, struct err *err)
{
    const char *name = word + 2;
    size_t size = strcspn(name, "=");
    const struct opt *opt = find_long(reader->opts, name, size);
    if (opt == NULL) {
        const char *near = NULL;
        for (const struct opt *one = reader->opts; one->name != NULL; one++) {
            near = str_nearer(name, near, one->name);
        }
        return err_set(err, TC_EINVAL, "unknown option --%.*s%s%s", (int)size, name,
                       near == NULL ? "" : "; did you mean --", near == NULL ? "" : near);
    }
    const char *value = NULL;
    int code = value_of(reader, opt, name[size] == '=' ? name + size + 1 : NULL, &value, err);
    return code == TC_OK ? take_value(opt, value, err) : code;
}

/* "-v", "-n5", "-n 5", "-vn5". */
static int take_short(struct reader *reader, const char *word, struct err *err)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct opt *opt = find_short(reader->opts, *letter);
        if (opt == NULL) {
            return err_set(err, TC_EINVAL, "unknown option -%c", *letter);
        }
        bool has_joined = opt->type != OPT_FLAG && letter[1] != '\0';
        const char *value = NULL;
        int code = value_of(reader, opt, has_joined ? letter + 1 : NULL, &value, err);
        if (code == TC_OK) {
            code = take_value(opt, value, err);
        }
        if (code != TC_OK || opt->type != OPT_FLAG) {
            return code;
        }
    }
    return TC_OK;
}

int opt_parse(const struct opt *opts, int argc, char **argv, struct opt_list *ret_operands,
              struct err *err)
{
    struct reader reader = {opts, argc, argv, 1};
    bool is_ended = false;
    ret_operands->count = 0;
    for (; reader.at < argc; reader.at++) {
        const char *word = argv[reader.at];
        int code = TC_OK;
        if (!is_ended && str_eq(word, "--")) {
            is_ended = true;
        } else if (!is_ended && str_has_prefix(word, "--")) {
            code = take_long(&reader, word, err);
        } else if (!is_ended && word[0] == '-' && word[1] != '\0') {
            code = take_short(&reader, word, err);
        } else if (ret_operands->count == OPT_LIST_MAX) {
            code = err_set(err, TC_ERANGE, "more than %d operands", OPT_LIST_MAX);
        } else {
            ret_operands->items[ret_operands->count++] = word;
        }
        if (code != TC_OK) {
            return code;
        }
    }
    return TC_OK;
}

void opt_describe(const struct opt *opts, struct buf *out)
{
    enum {
        DOC_COLUMN = 28,
    };
    for (const struct opt *opt = opts; opt->name != NULL; opt++) {
        size_t start = out->len;
        if (opt->letter != 0) {
            buf_add_fmt(out, "  -%c, --%s", opt->letter, opt->name);
        } else {
            buf_add_fmt(out, "      --%s", opt->name);
        }
        if (opt->arg != NULL) {
            buf_add_fmt(out, " %s", opt->arg);
        }
        if (out->len - start >= DOC_COLUMN) {
            buf_add_char(out, '\n');
            start = out->len;
        }
        while (out->err == TC_OK && out->len - start < DOC_COLUMN) {
            buf_add_char(out, ' ');
        }
        buf_add_fmt(out, "%s\n", opt->doc);
    }
}

int opt_exit_status(int code)
{
    switch (code) {
    case TC_OK:
        return EX_OK;
    case TC_EINVAL:
    case TC_ERANGE:
        return EX_USAGE;
    case TC_ECONFIG:
        return EX_CONFIG;
    case TC_EPERM:
        return EX_NOPERM;
    case TC_EAGAIN:
    case TC_ETIMEDOUT:
        return EX_TEMPFAIL;
    case TC_ECLOSED:
        return EX_UNAVAILABLE;
    default:
        return 1;
    }
}
