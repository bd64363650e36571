#ifndef NOTIFIERS_SETTINGS_H
#define NOTIFIERS_SETTINGS_H

#include "lib/base/err.h"

struct json;
struct json_value;
struct rule;

/* Fill in the secrets of a channel's section: each RULE_SECRET reference is replaced by what it
 * refers to, everything else stays as it is. Called once at start and at each reload.
 * Shape:  section an object that rules_check has accepted; dir as in secret_load; where names the
 *         section in messages ("channels.slack").
 * Units:  none.
 * Owns:   the caller frees ret_settings with json_free; it holds secrets and is never logged. NULL: the
 *         secrets are only looked at, as secret_check does.
 * Errors: those of secret_load, "channels.slack.targets.ops.webhook: cause"; TC_ECONFIG a secret with
 *         a control byte. */
int settings_resolve(const struct rule *rules, const struct json_value *section, const char *dir,
                     const char *where, struct json **ret_settings, struct err *err);

/* Reading settings, which rules_check has accepted: a member's string or fallback, an object or
 * NULL, the settings of one target or NULL.
 * Trivial. */
const char *settings_text(const struct json_value *object, const char *name, const char *fallback);
const struct json_value *settings_object(const struct json_value *object, const char *name);
const struct json_value *settings_target(const struct json_value *settings, const char *target);

#endif
