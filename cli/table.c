/* Lays out tables for a terminal or a pipe. Knows no command and no JSON; escapes everything, since
 * names and messages come from outside. Called by the commands that list things. */
#include "cli/table.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/base/escape.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/utf8.h"

enum {
    GAP = 2,             /* between columns */
    FLEXIBLE_WIDTH = 12, /* a column is not cut below that */
    CELL_BYTES_MAX = 4 * LIMIT_MESSAGE_BYTES + 1,
};

/* Code points that terminals show two columns wide (Unicode's East Asian Width W and F, coarse) and
 * those that take none (combining marks, joiners, variation selectors). */
static const struct range {
    int32_t first;
    int32_t last;
    size_t width;
} ranges[] = {
    {0x0300, 0x036F, 0},   {0x200B, 0x200D, 0},   {0xFE00, 0xFE0F, 0}, {0x1100, 0x115F, 2},
    {0x2E80, 0x303E, 2},   {0x3041, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2}, {0xF900, 0xFAFF, 2},
    {0xFE30, 0xFE6F, 2},   {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2}, {0x1F300, 0x1F64F, 2},
    {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2},
};

static size_t width_of(int32_t code_point)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (code_point >= ranges[i].first && code_point <= ranges[i].last) {
            return ranges[i].width;
        }
    }
    return 1;
}

size_t table_text_width(const char *text)
{
    const char *end = text + strlen(text);
    size_t width = 0;
    while (text < end) {
        width += width_of(utf8_next(&text, end));
    }
    return width;
}

void table_start(struct table *table, const struct table_column *columns)
{
    *table = (struct table){.columns = columns};
    while (columns[table->column_count].title != NULL) {
        table->column_count++;
    }
    TC_ASSERT(table->column_count > 0);
    TC_ASSERT(table->column_count <= TABLE_COLUMNS_MAX);
}

void table_add(struct table *table, const char *text, enum table_colour colour)
{
    if (table->count == table->cap) {
        table->cap = table->cap == 0 ? 64 : table->cap * 2;
        table->cells = mem_resize(table->cells, table->cap, sizeof(*table->cells));
    }
    struct buf escaped;
    buf_init(&escaped, CELL_BYTES_MAX);
    if (text == NULL || *text == '\0') {
        text = "-";
    }
    escape_line(&escaped, text, strlen(text));
    struct table_cell cell = {.colour = colour};
    cell.text = mem_dup(escaped.p, escaped.len);
    buf_free(&escaped);
    cell.width = table_text_width(cell.text);
    table->cells[table->count++] = cell;
}

void table_freep(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        mem_free(table->cells[i].text);
    }
    mem_free(table->cells);
    *table = (struct table){0};
}

static const char *const colour_codes[] = {[TABLE_PLAIN] = "",
                                           [TABLE_GOOD] = "\033[32m",
                                           [TABLE_BAD] = "\033[31m",
                                           [TABLE_WEAK] = "\033[2m"};

static void paint(struct buf *out, const char *escaped, size_t size, enum table_colour colour,
                  bool is_coloured)
{
    bool has_colour = is_coloured && colour != TABLE_PLAIN;
    if (has_colour) {
        buf_add_str(out, colour_codes[colour]);
    }
    buf_add(out, escaped, size);
    if (has_colour) {
        buf_add_str(out, "\033[0m");
    }
}

void table_paint(struct buf *out, const char *text, enum table_colour colour, bool is_coloured)
{
    struct buf escaped;
    buf_init(&escaped, CELL_BYTES_MAX);
    escape_line(&escaped, text, strlen(text));
    paint(out, escaped.p, escaped.len, colour, is_coloured);
    buf_free(&escaped);
}

/* How many bytes of text fit, with room for the mark of a cut; ret_width: what they take. */
static size_t cut(const char *text, size_t width, size_t *ret_width)
{
    const char *cursor = text;
    const char *end = text + strlen(text);
    size_t taken = 0;
    while (cursor < end) {
        const char *next = cursor;
        size_t one = width_of(utf8_next(&next, end));
        if (taken + one > width - 1) {
            break;
        }
        taken += one;
        cursor = next;
    }
    *ret_width = taken;
    return (size_t)(cursor - text);
}

static void add_spaces(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_char(out, ' ');
    }
}

static void print_cell(const struct table *table, size_t column, const struct table_cell *cell,
                       size_t width, bool is_coloured, struct buf *out)
{
    size_t shown = cell->width;
    size_t size = strlen(cell->text);
    if (shown > width) {
        size = cut(cell->text, width, &shown);
        shown += 1;
    }
    bool is_right = table->columns[column].is_right;
    bool is_last = column + 1 == table->column_count;
    add_spaces(out, is_right ? width - shown : 0);
    paint(out, cell->text, size, cell->colour, is_coloured);
    if (size < strlen(cell->text)) {
        buf_add_str(out, "…");
    }
    if (!is_last) {
        add_spaces(out, (is_right ? 0 : width - shown) + GAP);
    }
}

/* Take from the flexible columns, the widest first, what the terminal lacks. */
static void fit(const struct table *table, size_t *widths, size_t terminal)
{
    size_t total = GAP * (table->column_count - 1);
    for (size_t c = 0; c < table->column_count; c++) {
        total += widths[c];
    }
    while (terminal > 0 && total > terminal) {
        size_t widest = SIZE_MAX;
        for (size_t c = 0; c < table->column_count; c++) {
            bool is_better = widest == SIZE_MAX || widths[c] > widths[widest];
            if (table->columns[c].is_flexible && widths[c] > FLEXIBLE_WIDTH && is_better) {
                widest = c;
            }
        }
        if (widest == SIZE_MAX) {
            return;
        }
        widths[widest]--;
        total--;
    }
}

void table_print(const struct table *table, size_t width, bool is_coloured, struct buf *out)
{
    TC_ASSERT(table->count % table->column_count == 0);
    size_t widths[TABLE_COLUMNS_MAX];
    for (size_t c = 0; c < table->column_count; c++) {
        widths[c] = strlen(table->columns[c].title);
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t c = i % table->column_count;
        widths[c] = table->cells[i].width > widths[c] ? table->cells[i].width : widths[c];
    }
    fit(table, widths, width);
    for (size_t c = 0; c < table->column_count; c++) {
        struct buf title;
        buf_init(&title, LIMIT_NAME_BYTES);
        buf_add_str(&title, table->columns[c].title);
        const struct table_cell cell = {title.p, title.len, TABLE_WEAK};
        print_cell(table, c, &cell, widths[c], is_coloured, out);
        buf_free(&title);
    }
    buf_add_char(out, '\n');
    for (size_t i = 0; i < table->count; i++) {
        size_t c = i % table->column_count;
        print_cell(table, c, &table->cells[i], widths[c], is_coloured, out);
        if (c + 1 == table->column_count) {
            buf_add_char(out, '\n');
        }
    }
}
