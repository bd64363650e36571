/* A binary heap with nodes inside their owners' structs. Used for everything that waits for an
 * instant: loop timers, deadlines, schedules, delivery lines. */
#include "lib/base/heap.h"

#include "lib/base/assert.h"
#include "lib/base/mem.h"

enum {
    CAP_FIRST = 16,
};

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void put(struct heap *heap, size_t index, struct heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void settle(struct heap *heap, struct heap_node *node)
{
    size_t index = node->place - 1;
    while (index > 0 && is_before(node, heap->nodes[(index - 1) / 2])) {
        put(heap, index, heap->nodes[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && is_before(heap->nodes[child + 1], heap->nodes[child])) {
            child++;
        }
        if (!is_before(heap->nodes[child], node)) {
            break;
        }
        put(heap, index, heap->nodes[child]);
        index = child;
    }
    put(heap, index, node);
}

void heap_free(struct heap *heap)
{
    mem_free(heap->nodes);
    *heap = (struct heap){.nodes = NULL};
}

void heap_set(struct heap *heap, struct heap_node *node, int64_t key, uint64_t tie)
{
    node->key = key;
    node->tie = tie;
    if (node->place == 0) {
        if (heap->count == heap->cap) {
            heap->cap = heap->cap == 0 ? CAP_FIRST : 2 * heap->cap;
            heap->nodes = mem_resize(heap->nodes, heap->cap, sizeof(struct heap_node *));
        }
        put(heap, heap->count++, node);
    }
    TC_ASSERT(heap->nodes[node->place - 1] == node);
    settle(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0) {
        return;
    }
    TC_ASSERT(heap->nodes[node->place - 1] == node);
    struct heap_node *last = heap->nodes[--heap->count];
    if (last != node) {
        put(heap, node->place - 1, last);
        settle(heap, last);
    }
    node->place = 0;
}
