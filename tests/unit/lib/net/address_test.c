/* Which addresses each policy reaches; blocks from RFC 6890 and the clouds' documentation. */
#include "lib/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "lib/net/net.h"
#include "tests/support/test.h"

struct row {
    const char *address;
    bool is_any;
    bool is_public;
    bool is_loopback;
};

static const struct row rows[] = {
    {"93.184.216.34", true, true, false},
    {"2606:2800:220:1::1", true, true, false},
    {"127.0.0.1", true, false, true},
    {"127.255.255.254", true, false, true},
    {"::1", true, false, true},
    {"::ffff:127.0.0.1", true, false, true},
    {"10.1.2.3", true, false, false},
    {"172.15.0.1", true, true, false},
    {"172.16.0.1", true, false, false},
    {"172.31.255.255", true, false, false},
    {"172.32.0.1", true, true, false},
    {"192.168.7.7", true, true, false}, /* listed as allowed below */
    {"192.168.8.1", true, false, false},
    {"100.64.0.1", true, false, false},
    {"fc00::1", true, false, false},
    {"169.254.169.254", false, false, false},
    {"::ffff:169.254.169.254", false, false, false},
    {"64:ff9b::a9fe:a9fe", false, false, false},
    {"100.100.100.200", false, false, false},
    {"168.63.129.16", false, false, false},
    {"fd00:ec2::254", false, false, false},
    {"fe80::1", false, false, false},
    {"0.0.0.0", false, false, false},
    {"::", false, false, false},
    {"224.0.0.1", false, false, false},
    {"255.255.255.255", false, false, false},
    {"ff02::1", false, false, false},
};

static bool is_allowed(enum net_reach reach, const char *text)
{
    static const char *const allowed[] = {"192.168.7.0/24", "nonsense", "10.0.0.0/99", NULL};
    struct net_policy policy = {.reach = reach, .allowed = allowed};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        return address_is_allowed(&policy, (const struct sockaddr *)&v4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_is_allowed(&policy, (const struct sockaddr *)&v6);
}

static void each_policy_reaches_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        if (is_allowed(NET_REACH_ANY, rows[i].address) != rows[i].is_any ||
            is_allowed(NET_REACH_PUBLIC, rows[i].address) != rows[i].is_public ||
            is_allowed(NET_REACH_LOOPBACK, rows[i].address) != rows[i].is_loopback) {
            fail_msg("%s", rows[i].address);
        }
    }
}

static void other_families_are_refused(void **state)
{
    (void)state;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_false(address_is_allowed(NULL, (const struct sockaddr *)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_reaches_what_it_says),
        cmocka_unit_test(other_families_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
