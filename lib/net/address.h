#ifndef LIB_NET_ADDRESS_H
#define LIB_NET_ADDRESS_H

#include <stdbool.h>

struct net_policy;
struct sockaddr;

/* Whether a policy lets us connect to an address.
 * Shape:  policy may be NULL (NET_REACH_ANY); an IPv4 address inside IPv6 (mapped, NAT64) is judged
 *         as IPv4; anything but IPv4 and IPv6 is refused.
 * Units:  none.
 * Owns:   nothing.
 * Errors: none.
 * Source: RFC 6890 special-purpose addresses; RFC 6052 for 64:ff9b::/96. */
bool address_is_allowed(const struct net_policy *policy, const struct sockaddr *address);

#endif
