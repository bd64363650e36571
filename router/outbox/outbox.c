/* The index of unfinished notifications: items by id, lines (monitor, recipient) as lists, and for
 * each channel a heap of lines by the instant at which their head may go. Pure memory: router/flow
 * feeds it from rows and commits, and asks it what may go out next. */
#include "router/outbox/outbox.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/hash.h"
#include "lib/base/heap.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct entry {
    struct outbox_item item;
    struct line *line;         /* borrowed */
    struct entry *later;       /* next of the same line, borrowed */
    struct entry *of_incident; /* next of the same incident, borrowed */
    UT_hash_handle hh;
};

struct line_key {
    uint32_t monitor_id;
    char recipient[CORE_TARGET_BYTES];
};

struct line {
    struct line_key key;
    struct channel *channel; /* borrowed */
    struct entry *head;      /* borrowed, never NULL */
    struct entry *tail;      /* borrowed */
    struct heap_node node;   /* in channel->lines, by when head may go */
    UT_hash_handle hh;
};

struct channel {
    char name[OUTBOX_CHANNEL_BYTES];
    struct heap lines;
    size_t item_count;
    UT_hash_handle hh;
};

struct pause {
    char recipient[CORE_TARGET_BYTES];
    int64_t until_utc_ms;
    UT_hash_handle hh;
};

struct incident {
    uint64_t id;
    struct entry *first; /* borrowed, in order of id */
    struct entry *last;  /* borrowed */
    UT_hash_handle hh;
};

struct outbox {
    struct entry *entries;
    struct line *lines;
    struct channel *channels;
    struct pause *pauses;
    struct incident *incidents;
};

/* --- Tables ---------------------------------------------------------------------------------- */

/* uthash's macros stand here alone: they nest deeper than a function of ours may, and the analyzer
 * takes the last item's table for NULL. */
/* NOLINTBEGIN(readability-function-size, clang-analyzer-core.NullDereference) */

static struct entry *find_entry(const struct outbox *outbox, uint64_t id)
{
    struct entry *found = NULL;
    HASH_FIND(hh, outbox->entries, &id, sizeof(id), found);
    return found;
}

static void add_entry(struct outbox *outbox, struct entry *entry)
{
    HASH_ADD(hh, outbox->entries, item.id, sizeof(uint64_t), entry);
}

static void drop_entry(struct outbox *outbox, struct entry *entry)
{
    HASH_DEL(outbox->entries, entry);
    mem_free(entry);
}

static struct line *find_line(const struct outbox *outbox, const struct line_key *key)
{
    struct line *found = NULL;
    HASH_FIND(hh, outbox->lines, key, sizeof(*key), found);
    return found;
}

static void add_line(struct outbox *outbox, struct line *line)
{
    HASH_ADD(hh, outbox->lines, key, sizeof(line->key), line);
}

static void drop_line(struct outbox *outbox, struct line *line)
{
    HASH_DEL(outbox->lines, line);
    mem_free(line);
}

static struct channel *find_channel(const struct outbox *outbox, const char *name)
{
    struct channel *found = NULL;
    HASH_FIND_STR(outbox->channels, name, found);
    return found;
}

static void add_channel(struct outbox *outbox, struct channel *channel)
{
    HASH_ADD_STR(outbox->channels, name, channel);
}

static void drop_channel(struct outbox *outbox, struct channel *channel)
{
    HASH_DEL(outbox->channels, channel);
    heap_free(&channel->lines);
    mem_free(channel);
}

static struct pause *find_pause(const struct outbox *outbox, const char *recipient)
{
    struct pause *found = NULL;
    HASH_FIND_STR(outbox->pauses, recipient, found);
    return found;
}

static void add_pause(struct outbox *outbox, struct pause *pause)
{
    HASH_ADD_STR(outbox->pauses, recipient, pause);
}

static void drop_pause(struct outbox *outbox, struct pause *pause)
{
    HASH_DEL(outbox->pauses, pause);
    mem_free(pause);
}

static struct incident *find_incident(const struct outbox *outbox, uint64_t id)
{
    struct incident *found = NULL;
    HASH_FIND(hh, outbox->incidents, &id, sizeof(id), found);
    return found;
}

static void add_incident(struct outbox *outbox, struct incident *incident)
{
    HASH_ADD(hh, outbox->incidents, id, sizeof(uint64_t), incident);
}

static void drop_incident(struct outbox *outbox, struct incident *incident)
{
    HASH_DEL(outbox->incidents, incident);
    mem_free(incident);
}

/* NOLINTEND(readability-function-size, clang-analyzer-core.NullDereference) */

/* --- Lines ----------------------------------------------------------------------------------- */

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void line_refresh(struct outbox *outbox, struct line *line)
{
    const struct outbox_item *head = &line->head->item;
    const struct pause *pause = find_pause(outbox, line->key.recipient);
    int64_t ready_utc_ms = later_of(head->due_utc_ms, head->leased_until_utc_ms);
    if (pause != NULL) {
        ready_utc_ms = later_of(ready_utc_ms, pause->until_utc_ms);
    }
    heap_set(&line->channel->lines, &line->node, ready_utc_ms, head->id);
}

static struct channel *channel_of(struct outbox *outbox, const char *recipient)
{
    char name[OUTBOX_CHANNEL_BYTES];
    const char *target = outbox_split(recipient, name);
    TC_ASSERT(target != NULL);
    struct channel *channel = find_channel(outbox, name);
    if (channel == NULL) {
        channel = mem_alloc(sizeof(*channel));
        memcpy(channel->name, name, sizeof(name));
        add_channel(outbox, channel);
    }
    return channel;
}

static struct line_key key_of(uint32_t monitor_id, const char *recipient)
{
    struct line_key key;
    memset(&key, 0, sizeof(key)); /* hashed whole, padding too */
    key.monitor_id = monitor_id;
    int code = str_copy(key.recipient, sizeof(key.recipient), recipient);
    TC_ASSERT(code == 0);
    return key;
}

static void line_append(struct outbox *outbox, struct entry *entry)
{
    struct line_key key = key_of(entry->item.monitor_id, entry->item.recipient);
    struct line *line = find_line(outbox, &key);
    if (line != NULL) {
        TC_ASSERT(line->tail->item.id < entry->item.id);
        line->tail->later = entry;
        line->tail = entry;
        entry->line = line;
        return;
    }
    line = mem_alloc(sizeof(*line));
    line->key = key;
    line->channel = channel_of(outbox, entry->item.recipient);
    line->head = entry;
    line->tail = entry;
    entry->line = line;
    add_line(outbox, line);
    line_refresh(outbox, line);
}

static void line_drop(struct outbox *outbox, const struct entry *entry)
{
    struct line *line = entry->line;
    if (line->head == entry && entry->later == NULL) {
        heap_remove(&line->channel->lines, &line->node);
        drop_line(outbox, line);
        return;
    }
    if (line->head == entry) {
        line->head = entry->later;
        line_refresh(outbox, line);
        return;
    }
    struct entry *before = line->head;
    while (before->later != entry) {
        before = before->later;
    }
    before->later = entry->later;
    if (line->tail == entry) {
        line->tail = before;
    }
}

/* --- Incidents ------------------------------------------------------------------------------- */

static void incident_append(struct outbox *outbox, struct entry *entry)
{
    struct incident *incident = find_incident(outbox, entry->item.incident_id);
    if (incident == NULL) {
        incident = mem_alloc(sizeof(*incident));
        incident->id = entry->item.incident_id;
        incident->first = entry;
        add_incident(outbox, incident);
    } else {
        incident->last->of_incident = entry;
    }
    incident->last = entry;
}

static void incident_drop(struct outbox *outbox, const struct entry *entry)
{
    struct incident *incident = find_incident(outbox, entry->item.incident_id);
    TC_ASSERT(incident != NULL);
    struct entry **link = &incident->first;
    struct entry *before = NULL;
    while (*link != entry) {
        before = *link;
        link = &before->of_incident;
    }
    *link = entry->of_incident;
    if (incident->last == entry) {
        incident->last = before;
    }
    if (incident->first == NULL) {
        drop_incident(outbox, incident);
    }
}

/* --- Public ---------------------------------------------------------------------------------- */

struct outbox *outbox_new(void)
{
    return mem_alloc(sizeof(struct outbox));
}

static void channels_free(struct outbox *outbox)
{
    struct channel *channel = NULL;
    struct channel *next = NULL;
    HASH_ITER(hh, outbox->channels, channel, next)
    {
        drop_channel(outbox, channel);
    }
}

struct outbox *outbox_free(struct outbox *outbox)
{
    if (outbox == NULL) {
        return NULL;
    }
    while (outbox->entries != NULL) {
        outbox_remove(outbox, outbox->entries->item.id);
    }
    channels_free(outbox);
    struct pause *pause = NULL;
    struct pause *next = NULL;
    HASH_ITER(hh, outbox->pauses, pause, next)
    {
        drop_pause(outbox, pause);
    }
    mem_free(outbox);
    return NULL;
}

void outbox_add(struct outbox *outbox, const struct outbox_item *item)
{
    TC_ASSERT(find_entry(outbox, item->id) == NULL);
    struct entry *entry = mem_alloc(sizeof(*entry));
    entry->item = *item;
    add_entry(outbox, entry);
    line_append(outbox, entry);
    incident_append(outbox, entry);
    entry->line->channel->item_count++;
}

const struct outbox_item *outbox_find(const struct outbox *outbox, uint64_t id)
{
    const struct entry *entry = find_entry(outbox, id);
    return entry == NULL ? NULL : &entry->item;
}

void outbox_remove(struct outbox *outbox, uint64_t id)
{
    struct entry *entry = find_entry(outbox, id);
    if (entry == NULL) {
        return;
    }
    entry->line->channel->item_count--;
    line_drop(outbox, entry);
    incident_drop(outbox, entry);
    drop_entry(outbox, entry);
}

void outbox_restore(struct outbox *outbox, const struct outbox_item *before)
{
    struct entry *entry = find_entry(outbox, before->id);
    TC_ASSERT(entry != NULL);
    entry->item = *before;
    if (entry->line->head == entry) {
        line_refresh(outbox, entry->line);
    }
}

void outbox_lease(struct outbox *outbox, uint64_t id, int64_t until_utc_ms)
{
    const struct outbox_item *item = outbox_find(outbox, id);
    TC_ASSERT(item != NULL);
    struct outbox_item after = *item;
    after.attempts++;
    after.leased_until_utc_ms = until_utc_ms;
    outbox_restore(outbox, &after);
}

void outbox_postpone(struct outbox *outbox, uint64_t id, int64_t due_utc_ms)
{
    const struct outbox_item *item = outbox_find(outbox, id);
    TC_ASSERT(item != NULL);
    struct outbox_item after = *item;
    after.due_utc_ms = due_utc_ms;
    after.leased_until_utc_ms = CORE_NEVER;
    outbox_restore(outbox, &after);
}

void outbox_pause(struct outbox *outbox, const char *recipient, int64_t until_utc_ms)
{
    struct pause *pause = find_pause(outbox, recipient);
    if (pause == NULL) {
        pause = mem_alloc(sizeof(*pause));
        int code = str_copy(pause->recipient, sizeof(pause->recipient), recipient);
        TC_ASSERT(code == 0);
        add_pause(outbox, pause);
    }
    pause->until_utc_ms = until_utc_ms;
    struct line *line = NULL;
    struct line *next = NULL;
    HASH_ITER(hh, outbox->lines, line, next)
    {
        if (str_eq(line->key.recipient, recipient)) {
            line_refresh(outbox, line);
        }
    }
}

void outbox_shift(struct outbox *outbox, int64_t step_ms)
{
    struct pause *pause = NULL;
    struct pause *next_pause = NULL;
    HASH_ITER(hh, outbox->pauses, pause, next_pause)
    {
        pause->until_utc_ms += step_ms;
    }
    struct entry *entry = NULL;
    struct entry *next_entry = NULL;
    HASH_ITER(hh, outbox->entries, entry, next_entry)
    {
        entry->item.created_utc_ms += step_ms;
        entry->item.due_utc_ms += step_ms;
        if (entry->item.leased_until_utc_ms != CORE_NEVER) {
            entry->item.leased_until_utc_ms += step_ms;
        }
    }
    struct line *line = NULL;
    struct line *next_line = NULL;
    HASH_ITER(hh, outbox->lines, line, next_line)
    {
        line_refresh(outbox, line);
    }
}

const struct outbox_item *outbox_next(struct outbox *outbox, const char *channel,
                                      int64_t now_utc_ms)
{
    const struct channel *found = find_channel(outbox, channel);
    struct heap_node *first = found == NULL ? NULL : heap_first(&found->lines);
    if (first == NULL || first->key > now_utc_ms) {
        return NULL;
    }
    return &HEAP_OWNER(first, struct line, node)->head->item;
}

int64_t outbox_ready_utc_ms(const struct outbox *outbox, const char *channel)
{
    const struct channel *found = find_channel(outbox, channel);
    const struct heap_node *first = found == NULL ? NULL : heap_first(&found->lines);
    return first == NULL ? CORE_NEVER : first->key;
}

void outbox_each_of_incident(const struct outbox *outbox, uint64_t incident_id, outbox_fn fn,
                             void *ctx)
{
    const struct incident *incident = find_incident(outbox, incident_id);
    for (struct entry *entry = incident == NULL ? NULL : incident->first; entry != NULL;
         entry = entry->of_incident) {
        fn(ctx, &entry->item);
    }
}

size_t outbox_count(const struct outbox *outbox)
{
    return HASH_COUNT(outbox->entries);
}

size_t outbox_count_of_channel(const struct outbox *outbox, const char *channel)
{
    const struct channel *found = find_channel(outbox, channel);
    return found == NULL ? 0 : found->item_count;
}

const char *outbox_split(const char *recipient, char *ret_channel)
{
    const char *colon = strchr(recipient, ':');
    if (colon == NULL || colon == recipient || colon - recipient >= OUTBOX_CHANNEL_BYTES) {
        return NULL;
    }
    size_t size = (size_t)(colon - recipient);
    memcpy(ret_channel, recipient, size);
    ret_channel[size] = '\0';
    return colon + 1;
}
