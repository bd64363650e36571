#ifndef ROUTER_STORE_TOLD_H
#define ROUTER_STORE_TOLD_H

#include "lib/base/err.h"
#include "router/core/types.h"

struct buf;
struct store_incident;

/* Between the incident that rules look at and its row: the told list travels as a JSON array of
 * {"target": "slack:#ops", "told": "yes", "round": 1, "keepsAlert": false}, told being pending, yes,
 * dead or ended. */

/* Write an incident into its row.
 * Shape:  texts that core does not know are left as they are; told is appended to told_json, whose
 *         text ret_row->told then borrows.
 * Units:  Unix ms.
 * Owns:   told_json stays the caller's and outlives ret_row's use.
 * Errors: none. */
void store_incident_write(const struct core_incident *incident, struct buf *told_json,
                          struct store_incident *ret_row);

/* Read an incident from its row.
 * Shape:  row as read from the store.
 * Units:  Unix ms.
 * Owns:   copies.
 * Errors: TC_ECORRUPT the told list is not what was written; the text names the incident. */
int store_incident_read(const struct store_incident *row, struct core_incident *ret_incident,
                        struct err *err);

#endif
