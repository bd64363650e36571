/* TLS to a MariaDB server over TCP: only a server with a certificate for its host, from the right hands,
 * is spoken to, and none without TLS when it is asked for. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/store/mariadb.h"

static struct mariadb_server server;
static char certificates[64];
static char paths[8][128];
static unsigned int port;

static unsigned int free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)(void *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&address, &size), 0);
    assert_int_equal(close(fd), 0);
    return ntohs(address.sin_port);
}

/* A CA, a certificate of it for localhost, one for another host, and a CA that signed nothing. */
static void make_certificates(void)
{
    static const char script[] =
        "cd \"$0\" && for ca in ca other; do openssl req -x509 -newkey ec -pkeyopt "
        "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=$ca -keyout $ca.key -out $ca.pem; done "
        "&& "
        "for name in localhost elsewhere; do openssl req -newkey ec -pkeyopt "
        "ec_paramgen_curve:P-256 -nodes -subj /CN=$name -keyout $name.key -out $name.csr && "
        "printf 'subjectAltName=DNS:%s' $name > ext && openssl x509 -req -in $name.csr -CA ca.pem "
        "-CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $name.pem; done";
    (void)snprintf(certificates, sizeof certificates, "/dev/shm/tocsin-tls-XXXXXX");
    assert_non_null(mkdtemp(certificates));
    char *const argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                          (char *)(uintptr_t)script, certificates, NULL};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open("/dev/null", O_WRONLY);
        (void)dup2(fd, STDERR_FILENO);
        (void)dup2(fd, STDOUT_FILENO);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    int status = 0;
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
}

static const char *path_of(size_t at, const char *option, const char *name)
{
    (void)snprintf(paths[at], sizeof paths[at], "%s%s/%s", option, certificates, name);
    return paths[at];
}

static void serve_as(const char *name)
{
    static char key[64];
    static char pem[64];
    (void)snprintf(key, sizeof key, "%s.key", name);
    (void)snprintf(pem, sizeof pem, "%s.pem", name);
    mariadb_end(&server, SIGTERM);
    server.options[3] = path_of(0, "--ssl-cert=", pem);
    server.options[4] = path_of(1, "--ssl-key=", key);
    mariadb_start(&server);
}

static int start_server(void **state)
{
    static char option[32];
    (void)state;
    make_certificates();
    port = free_port();
    (void)snprintf(option, sizeof option, "--port=%u", port);
    server.options[0] = "--innodb-flush-log-at-trx-commit=1";
    server.options[1] = option;
    server.options[2] = "--bind-address=127.0.0.1";
    mariadb_make(&server);
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    mariadb_remove(&server);
    char *const argv[] = {(char *)(uintptr_t) "rm", (char *)(uintptr_t) "-r", certificates, NULL};
    pid_t pid = mariadb_spawn(&server, argv);
    (void)waitpid(pid, NULL, 0); /* what is left is in memory */
    return 0;
}

static void expect_open(const struct store_config *config, int expected, const char *told)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    int code = store_open(config, &store, &err);
    if (code != expected || strstr(err.text, told) == NULL) {
        fail_msg("%s, expected %s and '%s': %s", err_name(code), err_name(expected), told,
                 err.text);
    }
    if (code == TC_OK) {
        assert_int_equal(place_count(store, STORE_MONITORS, 0), 0);
    }
    assert_null(store_close(store));
}

static void only_the_right_server_is_spoken_to(void **state)
{
    (void)state;
    struct mariadb_database database;
    char url[96];
    mariadb_database_make(&server, &database);
    mariadb_database_migrate(&server, &database);
    mariadb_sql(&server, NULL,
                "CREATE USER tocsin@'127.0.0.1' IDENTIFIED BY 'change-me';"
                "GRANT ALL ON *.* TO tocsin@'127.0.0.1'");
    (void)snprintf(url, sizeof url, "mysql://tocsin@localhost:%u/%s", port, database.name);
    struct store_config config = database.router;
    config.socket = NULL;
    config.url = url;
    expect_open(&config, TC_OK, "");
    config.is_tls_required = true; /* of a server that has none */
    expect_open(&config, TC_ECONFIG, "can't be trusted");
    serve_as("localhost");
    expect_open(&config, TC_ECONFIG, "can't be trusted"); /* the system knows no such CA */
    config.ca = path_of(2, "", "other.pem");
    expect_open(&config, TC_ECONFIG, "can't be trusted");
    config.ca = path_of(2, "", "ca.pem");
    expect_open(&config, TC_OK, "");
    config.is_tls_required = false; /* a CA means TLS */
    expect_open(&config, TC_OK, "");
    mariadb_sql(&server, NULL, "ALTER USER tocsin@'127.0.0.1' REQUIRE SSL");
    expect_open(&config, TC_OK, "");
    serve_as("elsewhere");
    expect_open(&config, TC_ECONFIG, "can't be trusted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_right_server_is_spoken_to)};
    return cmocka_run_group_tests(tests, start_server, end_server);
}
