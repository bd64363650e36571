#ifndef LIB_BASE_HEAP_H
#define LIB_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is due first: a binary heap of nodes that live inside the caller's own structs. Timers,
 * deadlines, schedules and delivery lines all wait in one of these. */
struct heap_node {
    int64_t key;  /* smallest first, normally an instant */
    uint64_t tie; /* among equal keys the smallest first, so that order never depends on memory */
    size_t place; /* 1 + index in the heap; 0: in none. Starts zeroed. */
};

struct heap {
    struct heap_node **nodes; /* owned array of borrowed nodes; starts zeroed */
    size_t count;
    size_t cap;
};

/* The struct that a node is a member of. */
#define HEAP_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Release the array; the nodes are the caller's. Trivial. */
void heap_free(struct heap *heap);

/* Put a node in, or move one that is in, by a key and tie.
 * Shape:  node is in no other heap.
 * Units:  the caller's.
 * Owns:   borrows node until heap_remove.
 * Errors: none. O(log n). */
void heap_set(struct heap *heap, struct heap_node *node, int64_t key, uint64_t tie);

/* Take a node out; one that is not in is fine. O(log n). Trivial. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* The first node, or NULL. Trivial. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count == 0 ? NULL : heap->nodes[0];
}

/* Whether a node waits in a heap. Trivial. */
static inline bool heap_has(const struct heap_node *node)
{
    return node->place != 0;
}

#endif
