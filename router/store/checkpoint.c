/* The thread that checkpoints. A copy that fails is tried again at the next request: the log still
 * holds everything, and the router meets the same disk by itself. Started by sqlite.c. */
#include "router/store/checkpoint.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "lib/base/cleanup.h"
#include "router/store/sqlite_db.h"

struct checkpoint {
    struct sqlite_db db; /* of the thread alone once it runs */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the two flags */
    pthread_cond_t changed;
    bool is_wanted;
    bool is_stopping;
};

static void *run(void *ctx)
{
    struct checkpoint *self = ctx;
    (void)pthread_mutex_lock(&self->mutex); /* can't fail: neither recursive nor robust */
    while (!self->is_stopping) {
        if (!self->is_wanted) {
            (void)pthread_cond_wait(&self->changed, &self->mutex);
            continue;
        }
        self->is_wanted = false;
        (void)pthread_mutex_unlock(&self->mutex);
        (void)sqlite3_wal_checkpoint_v2(self->db.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                        NULL); /* tried again when the log has grown */
        (void)pthread_mutex_lock(&self->mutex);
    }
    (void)pthread_mutex_unlock(&self->mutex);
    return NULL;
}

int checkpoint_start(const char *path, const char *vfs, struct checkpoint **ret_checkpoint,
                     struct err *err)
{
    struct checkpoint *self = mem_alloc(sizeof *self);
    int code = sqlite_db_open(&self->db, path, SQLITE_OPEN_READWRITE, vfs, err);
    if (code == TC_OK) {
        (void)pthread_mutex_init(&self->mutex, NULL); /* allocates nothing on Linux */
        (void)pthread_cond_init(&self->changed, NULL);
        sigset_t all;
        sigset_t before;
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
        if (pthread_create(&self->thread, NULL, run, self) != 0) {
            code = err_set(err, TC_EAGAIN, "no thread for the checkpoints of %s", path);
        }
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (code != TC_OK) {
        sqlite_db_close(&self->db);
        mem_free(self);
        return code;
    }
    *ret_checkpoint = self;
    return TC_OK;
}

void checkpoint_wake(struct checkpoint *self)
{
    (void)pthread_mutex_lock(&self->mutex);
    self->is_wanted = true;
    (void)pthread_cond_signal(&self->changed);
    (void)pthread_mutex_unlock(&self->mutex);
}

struct checkpoint *checkpoint_stop(struct checkpoint *self)
{
    if (self == NULL) {
        return NULL;
    }
    (void)pthread_mutex_lock(&self->mutex);
    self->is_stopping = true;
    (void)pthread_cond_signal(&self->changed);
    (void)pthread_mutex_unlock(&self->mutex);
    (void)pthread_join(self->thread, NULL); /* the thread is ours and joined once */
    (void)pthread_cond_destroy(&self->changed);
    (void)pthread_mutex_destroy(&self->mutex);
    sqlite_db_close(&self->db);
    mem_free(self);
    return NULL;
}
