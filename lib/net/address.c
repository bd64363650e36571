/* Which addresses may be connected to: special-purpose blocks as one table. Resolves nothing and
 * connects to nothing; transfer.c asks it for each address that libcurl is about to try. */
#include "lib/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/parse.h"
#include "lib/net/net.h"

enum {
    IPV4_BYTES = 4,
    IPV6_BYTES = 16,
};

enum scope {
    SCOPE_NEVER, /* metadata services and what is no single host */
    SCOPE_LOOPBACK,
    SCOPE_PRIVATE,
    SCOPE_PUBLIC,
};

struct block {
    uint8_t size; /* bytes of the address */
    uint8_t bits;
    enum scope scope;
    uint8_t prefix[IPV6_BYTES];
};

/* The first block that fits decides; what fits none is public. */
static const struct block blocks[] = {
    {IPV4_BYTES, 8, SCOPE_NEVER, {0}},
    {IPV4_BYTES, 8, SCOPE_LOOPBACK, {127}},
    {IPV4_BYTES, 16, SCOPE_NEVER, {169, 254}},
    {IPV4_BYTES, 32, SCOPE_NEVER, {100, 100, 100, 200}}, /* Alibaba's metadata */
    {IPV4_BYTES, 32, SCOPE_NEVER, {168, 63, 129, 16}},   /* Azure's wire server */
    {IPV4_BYTES, 4, SCOPE_NEVER, {224}},
    {IPV4_BYTES, 4, SCOPE_NEVER, {240}},
    {IPV4_BYTES, 8, SCOPE_PRIVATE, {10}},
    {IPV4_BYTES, 10, SCOPE_PRIVATE, {100, 64}},
    {IPV4_BYTES, 12, SCOPE_PRIVATE, {172, 16}},
    {IPV4_BYTES, 24, SCOPE_PRIVATE, {192, 0, 0}},
    {IPV4_BYTES, 16, SCOPE_PRIVATE, {192, 168}},
    {IPV4_BYTES, 15, SCOPE_PRIVATE, {198, 18}},
    {IPV6_BYTES, 128, SCOPE_LOOPBACK, {[15] = 1}},
    {IPV6_BYTES, 128, SCOPE_NEVER, {0}},
    {IPV6_BYTES, 10, SCOPE_NEVER, {0xfe, 0x80}},
    {IPV6_BYTES, 8, SCOPE_NEVER, {0xff}},
    {IPV6_BYTES, 128, SCOPE_NEVER, {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}}, /* AWS */
    {IPV6_BYTES, 7, SCOPE_PRIVATE, {0xfc}},
    {IPV6_BYTES, 10, SCOPE_PRIVATE, {0xfe, 0xc0}},
};

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t nat64_prefix[12] = {0x00, 0x64, 0xff, 0x9b};

static bool has_prefix(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;
    if (memcmp(bytes, prefix, whole) != 0) {
        return false;
    }
    uint8_t mask = (uint8_t)(0xffU << (8 - rest));
    return rest == 0 || (bytes[whole] & mask) == (prefix[whole] & mask);
}

static enum scope scope_of(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        if (blocks[i].size == size && has_prefix(bytes, blocks[i].prefix, blocks[i].bits)) {
            return blocks[i].scope;
        }
    }
    return SCOPE_PUBLIC;
}

static bool is_in_network(const char *network, const uint8_t *bytes, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t prefix[IPV6_BYTES];
    const char *slash = strchr(network, '/');
    size_t length = slash != NULL ? (size_t)(slash - network) : strlen(network);
    int64_t bits = (int64_t)size * 8;
    if (length >= sizeof text) {
        return false;
    }
    memcpy(text, network, length);
    text[length] = '\0';
    if (inet_pton(size == IPV4_BYTES ? AF_INET : AF_INET6, text, prefix) != 1) {
        return false;
    }
    if (slash != NULL && parse_whole_i64(slash + 1, 0, bits, &bits) != TC_OK) {
        return false;
    }
    return has_prefix(bytes, prefix, (unsigned)bits);
}

static bool is_listed(const struct net_policy *policy, const uint8_t *bytes, size_t size)
{
    for (const char *const *p = policy->allowed; p != NULL && *p != NULL; p++) {
        if (is_in_network(*p, bytes, size)) {
            return true;
        }
    }
    return false;
}

bool address_is_allowed(const struct net_policy *policy, const struct sockaddr *address)
{
    uint8_t bytes[IPV6_BYTES];
    size_t size = IPV4_BYTES;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        memcpy(bytes, &v4.sin_addr, IPV4_BYTES);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        memcpy(bytes, &v6.sin6_addr, IPV6_BYTES);
        size = IPV6_BYTES;
        if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0 ||
            memcmp(bytes, nat64_prefix, sizeof nat64_prefix) == 0) {
            memmove(bytes, bytes + sizeof mapped_prefix, IPV4_BYTES);
            size = IPV4_BYTES;
        }
    } else {
        return false;
    }
    enum scope scope = scope_of(bytes, size);
    if (scope == SCOPE_NEVER) {
        return false;
    }
    if (policy == NULL || policy->reach == NET_REACH_ANY) {
        return true;
    }
    if (policy->reach == NET_REACH_LOOPBACK) {
        return scope == SCOPE_LOOPBACK;
    }
    return scope == SCOPE_PUBLIC || is_listed(policy, bytes, size);
}
