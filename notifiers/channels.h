#ifndef NOTIFIERS_CHANNELS_H
#define NOTIFIERS_CHANNELS_H

#include "notifiers/channel.h"

/* Every channel there is, each in the file of its name. channels.c lists them. */
extern const struct channel channel_email;
extern const struct channel channel_file;
extern const struct channel channel_pagerduty;
extern const struct channel channel_slack;

#endif
