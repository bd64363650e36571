#ifndef RUNNER_PERFDATA_H
#define RUNNER_PERFDATA_H

#include <stddef.h>

struct buf;

/* Split what a Nagios plugin printed into text for people and numbers.
 * Shape:  out need not end with NUL and may hold anything; "text | perfdata", then lines of long
 *         text, then, behind another bar, lines of perfdata; items are
 *         'label'=value[UOM][;warn[;crit[;min[;max]]]] divided by spaces.
 *         ret_text and ret_metrics are initialised and empty; ret_text gets the text (UTF-8 repaired,
 *         trailing space removed), ret_metrics a JSON object {label: number}, or nothing when there
 *         are no numbers. Items without a number ("U"), malformed, doubled or beyond LIMIT_METRICS
 *         are left out: performance data never fails a check.
 * Units:  values as printed; a unit of time or bytes is turned into seconds or bytes by the plugin
 *         API's own prefixes (ms, us, KB, MB, GB, TB with 1024).
 * Owns:   copies.
 * Errors: none. */
void perfdata_split(const char *out, size_t size, struct buf *ret_text, struct buf *ret_metrics);

#endif
