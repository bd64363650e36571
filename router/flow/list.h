#ifndef ROUTER_FLOW_LIST_H
#define ROUTER_FLOW_LIST_H

#include <stddef.h>
#include <string.h>

#include "lib/base/mem.h"

/* A growing array of one type; starts zeroed. Addresses of items move when it grows. */
#define FLOW_LIST(type) \
    struct {            \
        type *items;    \
        size_t count;   \
        size_t cap;     \
    }

/* Make room for one more item, zero it, count it and evaluate to its address. */
#define FLOW_LIST_ADD(list)                                                                      \
    (((list).count == (list).cap                                                                 \
          ? (void)((list).cap = (list).cap == 0 ? 16 : 2 * (list).cap,                           \
                   (list).items = mem_resize((list).items, (list).cap, sizeof((list).items[0]))) \
          : (void)0),                                                                            \
     memset(&(list).items[(list).count], 0, sizeof((list).items[0])),                            \
     &(list).items[(list).count++])

#endif
