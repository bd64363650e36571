/* The heap against a search of all nodes, over random insertions, moves and removals. */
#include "lib/base/heap.h"

#include "tests/support/test.h"

enum {
    NODES = 64,
};

struct waiting {
    int number;
    struct heap_node node;
};

static const struct waiting *least(const struct waiting *all)
{
    const struct waiting *best = NULL;
    for (size_t i = 0; i < NODES; i++) {
        const struct heap_node *node = &all[i].node;
        if (heap_has(node) && (best == NULL || node->key < best->node.key ||
                               (node->key == best->node.key && node->tie < best->node.tie))) {
            best = &all[i];
        }
    }
    return best;
}

static void test_gives_the_least_node(void **state)
{
    (void)state;
    struct heap heap = {.nodes = NULL};
    struct waiting all[NODES] = {{.number = 0}};
    uint64_t random = 1;
    for (int step = 0; step < 50000; step++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        struct waiting *one = &all[(random >> 33) % NODES];
        if ((random >> 40) % 3 == 0) {
            heap_remove(&heap, &one->node);
        } else {
            heap_set(&heap, &one->node, (int64_t)((random >> 45) % 20) - 10, (random >> 20) % 7);
        }
        const struct waiting *expected = least(all);
        const struct heap_node *first = heap_first(&heap);
        assert_int_equal(expected == NULL, first == NULL);
        if (expected != NULL) {
            assert_int_equal(expected->node.key, first->key);
            assert_int_equal(expected->node.tie, first->tie);
            assert_ptr_equal(HEAP_OWNER(heap_first(&heap), struct waiting, node)->node.place, 1);
        }
    }
    heap_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gives_the_least_node)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
