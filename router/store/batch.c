/* The rows of one commit, collected with copies of their texts in memory that is kept from batch to
 * batch. It writes nothing; backends do. router/flow, outbox and audit fill it. */
#include "router/store/batch.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "router/store/sql.h"

enum {
    BLOCK_BYTES = 64 * 1024,
};

struct store_memory_block {
    struct store_memory_block *next; /* owned; the first block is the one in use */
    size_t used;
    size_t size;
    char bytes[];
};

void store_batch_init(struct store_batch *batch)
{
    *batch = (struct store_batch){0};
}

/* Keeps one block and the arrays, so that the next batch of the same size allocates nothing. */
void store_batch_reset(struct store_batch *batch)
{
    for (size_t i = 0; i < STORE_WRITE_COUNT_; i++) {
        batch->rows[i].count = 0;
    }
    if (batch->memory == NULL) {
        return;
    }
    struct store_memory_block *block = batch->memory->next;
    while (block != NULL) {
        struct store_memory_block *next = block->next;
        mem_free(block);
        block = next;
    }
    batch->memory->next = NULL;
    batch->memory->used = 0;
}

void store_batch_free(struct store_batch *batch)
{
    store_batch_reset(batch);
    for (size_t i = 0; i < STORE_WRITE_COUNT_; i++) {
        mem_free(batch->rows[i].p);
    }
    mem_free(batch->memory);
    store_batch_init(batch);
}

static void *copy(struct store_batch *batch, const void *bytes, size_t size)
{
    struct store_memory_block *block = batch->memory;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = mem_alloc(sizeof *block + room);
        block->size = room;
        block->next = batch->memory;
        batch->memory = block;
    }
    char *at = block->bytes + block->used;
    block->used += size;
    memcpy(at, bytes, size);
    return at;
}

static void copy_member(struct store_batch *batch, enum sql_type type, char *at)
{
    if (type == SQL_TEXT) {
        const char *text = NULL;
        memcpy(&text, at, sizeof text);
        if (text != NULL) {
            text = copy(batch, text, strlen(text) + 1);
            memcpy(at, &text, sizeof text);
        }
    } else if (type == SQL_BLOB) {
        struct store_blob blob;
        memcpy(&blob, at, sizeof blob);
        if (blob.p != NULL) {
            blob.p = copy(batch, blob.p, blob.size);
            memcpy(at, &blob, sizeof blob);
        }
    }
}

void store_batch_add(struct store_batch *batch, enum store_write write, const void *row)
{
    TC_ASSERT(batch != NULL);
    TC_ASSERT(row != NULL);
    TC_ASSERT(write < STORE_WRITE_COUNT_);
    const struct sql_row *def = &sql_rows[sql_writes[write].row];
    struct store_rows *rows = &batch->rows[write];
    if (rows->count == rows->cap) {
        rows->cap = rows->cap == 0 ? 16 : rows->cap * 2;
        rows->p = mem_resize(rows->p, rows->cap, def->size);
    }
    char *to = (char *)rows->p + rows->count * def->size;
    memcpy(to, row, def->size);
    for (size_t i = 0; i < def->field_count; i++) {
        copy_member(batch, def->fields[i].type, to + def->fields[i].offset);
    }
    rows->count++;
}

size_t store_batch_count(const struct store_batch *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < STORE_WRITE_COUNT_; i++) {
        count += batch->rows[i].count;
    }
    return count;
}
