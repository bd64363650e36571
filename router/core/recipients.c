/* Parsing and checking of one recipient: the guard before any address meets a mail's envelope or a
 * row. Knows no channel but email. Called where monitors are entered and where rows are read. */
#include "router/core/recipients.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/err.h"
#include "lib/base/utf8.h"

static const char EMAIL[] = "email";

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_channel(const char *text, size_t size)
{
    if (size == 0 || size > RECIPIENT_CHANNEL_BYTES) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = to_lower(text[i]);
        bool is_letter = c >= 'a' && c <= 'z';

        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_' || c == '-'))) {
            return false;
        }
    }
    return true;
}

bool recipient_is_address(const char *text, size_t size)
{
    const char *at = memchr(text, '@', size);

    if (size > RECIPIENT_ADDRESS_BYTES || at == NULL || at == text || at + 1 == text + size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (is_control(text[i]) || strchr(" <>,;\"\\", text[i]) != NULL) {
            return false;
        }
    }
    return memchr(at + 1, '@', (size_t)(text + size - (at + 1))) == NULL &&
           utf8_is_valid(text, size);
}

static bool is_target(const char *text, size_t size)
{
    if (size == 0 || is_space(text[0])) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (is_control(text[i])) {
            return false;
        }
    }
    return utf8_is_valid(text, size);
}

/* A colon before any @ ends a channel; an address without one has none. */
static const char *find_channel_end(const char *text, size_t size)
{
    const char *colon = memchr(text, ':', size);
    const char *at = memchr(text, '@', size);

    return colon != NULL && (at == NULL || colon < at) ? colon : NULL;
}

static bool is_email_channel(const char *channel, size_t size)
{
    if (size != strlen(EMAIL)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (to_lower(channel[i]) != EMAIL[i]) {
            return false;
        }
    }
    return true;
}

static void write_target(const char *channel, size_t channel_size, const char *target, size_t size,
                         char *ret_target)
{
    bool is_email = is_email_channel(channel, channel_size);
    bool is_domain = false;

    for (size_t i = 0; i < channel_size; i++) {
        ret_target[i] = to_lower(channel[i]);
    }
    ret_target[channel_size] = ':';
    ret_target += channel_size + 1;
    for (size_t i = 0; i < size; i++) {
        is_domain = is_domain || (is_email && target[i] == '@');
        ret_target[i] = is_domain ? to_lower(target[i]) : target[i];
    }
    ret_target[size] = '\0';
}

enum recipient_fault recipient_parse(const char *text, size_t size, char *ret_target)
{
    const char *channel = EMAIL;
    size_t channel_size = strlen(EMAIL);
    const char *target = NULL;
    const char *colon = NULL;

    while (size > 0 && is_space(text[0])) {
        text++;
        size--;
    }
    while (size > 0 && is_space(text[size - 1])) {
        size--;
    }
    if (size == 0) {
        return RECIPIENT_EMPTY;
    }
    target = text;
    colon = find_channel_end(text, size);
    if (colon != NULL) {
        channel = text;
        channel_size = (size_t)(colon - text);
        target = colon + 1;
        size -= channel_size + 1;
        if (!is_channel(channel, channel_size)) {
            return RECIPIENT_BAD_CHANNEL;
        }
    }
    if (channel_size + 1 + size > LIMIT_RECIPIENT_BYTES) {
        return RECIPIENT_TOO_LONG;
    }
    if (is_email_channel(channel, channel_size) && !recipient_is_address(target, size)) {
        return RECIPIENT_BAD_ADDRESS;
    }
    if (!is_target(target, size)) {
        return RECIPIENT_BAD_TARGET;
    }
    write_target(channel, channel_size, target, size, ret_target);
    return RECIPIENT_FINE;
}

const char *recipient_fault_text(enum recipient_fault fault)
{
    switch (fault) {
    case RECIPIENT_FINE:
        return "is fine";
    case RECIPIENT_EMPTY:
        return "is empty: give an address, or channel:target";
    case RECIPIENT_TOO_LONG:
        return "is longer than 320 bytes";
    case RECIPIENT_BAD_CHANNEL:
        return "names no channel: letters, digits, _ and - before the colon, at most 32";
    case RECIPIENT_BAD_TARGET:
        return "has no usable target after the colon: some text without control characters";
    case RECIPIENT_BAD_ADDRESS:
        return "is no mail address: one @, no spaces, brackets, quotes or commas, at most 254 "
               "bytes";
    }
    TC_UNREACHABLE();
}

size_t recipient_channel_size(const char *target)
{
    const char *colon = strchr(target, ':');

    TC_ASSERT(colon != NULL);
    return (size_t)(colon - target);
}

int recipient_add(struct core_target *targets, size_t *count, const char *target, bool keeps_alert)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(targets[i].target, target) == 0) {
            return TC_EEXIST;
        }
    }
    if (*count >= LIMIT_RECIPIENTS) {
        return TC_ERANGE;
    }
    TC_ASSERT(strlen(target) < CORE_TARGET_BYTES);
    memcpy(targets[*count].target, target, strlen(target) + 1);
    targets[*count].keeps_alert = keeps_alert;
    (*count)++;
    return TC_OK;
}
