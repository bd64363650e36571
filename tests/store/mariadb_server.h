#ifndef TESTS_STORE_MARIADB_SERVER_H
#define TESTS_STORE_MARIADB_SERVER_H

#include <fcntl.h>
#include <mysql.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "tests/support/test.h"

/* A MariaDB server of a test's own: own data directory and socket in memory (what a power cut
 * does is not tested here), no network unless an option
 * asks for it, ended by its process id. */
enum {
    MARIADB_START_S = 60,
    MARIADB_OPTIONS_MAX = 16,
};

struct mariadb_server {
    char dir[64];
    char socket[96];
    pid_t pid;                                /* 0: not running */
    const char *options[MARIADB_OPTIONS_MAX]; /* borrowed; ends with NULL */
};

/* Wait a moment. Trivial. */
static inline void mariadb_pause(void)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    (void)nanosleep(&pause, NULL);
}

/* Start a program with its output in a file of the server's directory. Trivial. */
static inline pid_t mariadb_spawn(const struct mariadb_server *server, char *const *argv)
{
    char log[128];
    (void)snprintf(log, sizeof log, "%s/log", server->dir);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

/* A connection of root's; NULL when there is none to be had. Trivial. */
static inline MYSQL *mariadb_root(const struct mariadb_server *server, const char *database)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql_real_connect(mysql, "localhost", "root", "", database, 0, server->socket,
                           CLIENT_MULTI_STATEMENTS) == NULL) {
        mysql_close(mysql);
        return NULL;
    }
    return mysql;
}

/* Run statements as root; the error's number, 0: none. Trivial. */
static inline unsigned int mariadb_try(const struct mariadb_server *server, const char *database,
                                       const char *sql)
{
    MYSQL *mysql = mariadb_root(server, database);
    assert_non_null(mysql);
    unsigned int error = mysql_real_query(mysql, sql, strlen(sql)) != 0 ? mysql_errno(mysql) : 0;
    while (error == 0) {
        MYSQL_RES *result = mysql_store_result(mysql);
        mysql_free_result(result);
        int next = mysql_next_result(mysql);
        error = next > 0 ? mysql_errno(mysql) : 0;
        if (next != 0) {
            break;
        }
    }
    mysql_close(mysql);
    return error;
}

/* Run statements as root; fails the test when they fail. Trivial. */
static inline void mariadb_sql(const struct mariadb_server *server, const char *database,
                               const char *sql)
{
    unsigned int error = mariadb_try(server, database, sql);
    if (error != 0) {
        fail_msg("error %u: %s", error, sql);
    }
}

/* One value as root, copied; the caller frees with mem_free. Trivial. */
static inline char *mariadb_value(const struct mariadb_server *server, const char *database,
                                  const char *sql)
{
    MYSQL *mysql = mariadb_root(server, database);
    assert_non_null(mysql);
    if (mysql_query(mysql, sql) != 0) {
        fail_msg("%s: %s", sql, mysql_error(mysql));
    }
    MYSQL_RES *result = mysql_store_result(mysql);
    MYSQL_ROW row = mysql_fetch_row(result);
    char *value = row == NULL ? NULL : mem_strdup(row[0]);
    mysql_free_result(result);
    mysql_close(mysql);
    return value;
}

/* Start it with its options and wait until it answers. Trivial. */
static inline void mariadb_start(struct mariadb_server *server)
{
    char data[128];
    char sock[128];
    (void)snprintf(data, sizeof data, "--datadir=%s/data", server->dir);
    (void)snprintf(sock, sizeof sock, "--socket=%s", server->socket);
    char *argv[MARIADB_OPTIONS_MAX + 12] = {(char *)(uintptr_t) "mariadbd",
                                            (char *)(uintptr_t) "--no-defaults",
                                            data,
                                            sock,
                                            (char *)(uintptr_t) "--user=root",
                                            (char *)(uintptr_t) "--innodb-buffer-pool-size=16M",
                                            (char *)(uintptr_t) "--innodb-log-file-size=8M",
                                            (char *)(uintptr_t) "--skip-name-resolve"};
    size_t count = 8;
    bool is_networked = false;
    for (size_t i = 0; server->options[i] != NULL; i++) {
        argv[count++] = (char *)(uintptr_t)server->options[i];
        is_networked = is_networked || strncmp(server->options[i], "--port=", 7) == 0;
    }
    argv[count] = is_networked ? NULL : (char *)(uintptr_t) "--skip-networking";
    server->pid = mariadb_spawn(server, argv);
    for (time_t end = time(NULL) + MARIADB_START_S; time(NULL) < end; mariadb_pause()) {
        MYSQL *mysql = mariadb_root(server, NULL);
        if (mysql != NULL) {
            mysql_close(mysql);
            return;
        }
        if (waitpid(server->pid, NULL, WNOHANG) != 0) {
            break;
        }
    }
    fail_msg("mariadbd does not start: see %s/log", server->dir);
}

/* End it: SIGTERM is a shutdown, SIGKILL a crash. Trivial. */
static inline void mariadb_end(struct mariadb_server *server, int signo)
{
    if (server->pid != 0) {
        assert_int_equal(kill(server->pid, signo), 0);
        assert_true(waitpid(server->pid, NULL, 0) == server->pid);
        server->pid = 0;
    }
}

/* Make the data directory and start. Trivial. */
static inline void mariadb_make(struct mariadb_server *server)
{
    (void)snprintf(server->dir, sizeof server->dir, "/dev/shm/tocsin-maria-XXXXXX");
    assert_non_null(mkdtemp(server->dir));
    (void)snprintf(server->socket, sizeof server->socket, "%s/s", server->dir);
    char data[128];
    (void)snprintf(data, sizeof data, "--datadir=%s/data", server->dir);
    char *const argv[] = {(char *)(uintptr_t) "mariadb-install-db",
                          (char *)(uintptr_t) "--no-defaults",
                          data,
                          (char *)(uintptr_t) "--user=root",
                          (char *)(uintptr_t) "--skip-test-db",
                          (char *)(uintptr_t) "--auth-root-authentication-method=normal",
                          NULL};
    int status = 0;
    pid_t pid = mariadb_spawn(server, argv);
    assert_true(waitpid(pid, &status, 0) == pid);
    if (status != 0) {
        fail_msg("mariadb-install-db fails: see %s/log", server->dir);
    }
    mariadb_start(server);
}

/* End it and remove its directory. Trivial. */
static inline void mariadb_remove(struct mariadb_server *server)
{
    mariadb_end(server, SIGTERM);
    char *const argv[] = {(char *)(uintptr_t) "rm", (char *)(uintptr_t) "-r", server->dir, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    (void)waitpid(pid, NULL, 0); /* what is left is in memory */
}

#endif
