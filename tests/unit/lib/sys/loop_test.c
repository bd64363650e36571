/* The loop on real descriptors and sockets, its timers on a clock that the test moves. */
#include "lib/sys/loop.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/sys/clock.h"
#include "lib/sys/rng.h"
#include "lib/sys/sig.h"
#include "tests/support/test.h"

struct moved {
    struct clock clock;
    int64_t utc_ms;
    int64_t mono_us;
};

static int64_t moved_utc(void *ctx)
{
    return ((struct moved *)ctx)->utc_ms;
}

static int64_t moved_mono(void *ctx)
{
    return ((struct moved *)ctx)->mono_us;
}

struct world {
    struct moved moved;
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_watch *watch;
    char trace[64];
    size_t count;
};

static void world_start(struct world *world)
{
    *world = (struct world){.moved = {.utc_ms = 1000000, .mono_us = 7000000}};
    world->moved.clock = (struct clock){moved_utc, moved_mono, 1, &world->moved};
    world->loop = loop_new(&world->moved.clock);
}

static void pass(struct world *world, int64_t ms)
{
    world->moved.utc_ms += ms;
    world->moved.mono_us += ms * 1000;
}

static void turn(struct world *world)
{
    struct err err = ERR_INIT;
    assert_int_equal(loop_turn(world->loop, 0, &err), TC_OK);
}

struct mark {
    struct world *world;
    char letter;
};

static void on_mark(void *ctx)
{
    const struct mark *mark = ctx;
    mark->world->trace[mark->world->count++] = mark->letter;
}

static void test_timers_fire_in_order_and_once(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    struct mark marks[] = {{&world, 'a'}, {&world, 'b'}, {&world, 'c'}, {&world, 'd'}};
    struct loop_timer *timers[4];
    for (size_t i = 0; i < 4; i++) {
        timers[i] = loop_timer_new(world.loop, on_mark, &marks[i]);
    }
    loop_timer_in(timers[0], 30);
    loop_timer_in(timers[1], 10);
    loop_timer_in(timers[2], 10);
    loop_timer_in(timers[3], 20);
    loop_timer_stop(timers[3]);
    turn(&world);
    assert_string_equal(world.trace, "");
    pass(&world, 9);
    turn(&world);
    assert_string_equal(world.trace, "");
    pass(&world, 1);
    turn(&world);
    assert_string_equal(world.trace, "bc");
    loop_timer_in(timers[0], 5); /* replaces */
    pass(&world, 5);
    turn(&world);
    pass(&world, 100);
    turn(&world);
    assert_string_equal(world.trace, "bca");
    (void)loop_free(world.loop);
}

static void test_utc_timers_follow_the_clock(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    struct mark mark = {&world, 'u'};
    struct loop_timer *timer = loop_timer_new(world.loop, on_mark, &mark);
    loop_timer_at(timer, world.moved.utc_ms + 3600 * 1000);
    turn(&world);
    world.moved.utc_ms += 3600 * 1000; /* UTC jumps, real time stands still */
    turn(&world);
    assert_string_equal(world.trace, "u");
    loop_timer_at(timer, 5); /* long past */
    turn(&world);
    assert_string_equal(world.trace, "uu");
    (void)loop_free(world.loop);
}

static void rearm_past(void *ctx)
{
    struct world *world = ctx;
    world->trace[world->count++] = 'r';
    loop_timer_at(world->timer, 0);
}

static void test_rearming_to_the_past_starves_nobody(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    struct mark mark = {&world, 'x'};
    world.timer = loop_timer_new(world.loop, rearm_past, &world);
    struct loop_timer *other = loop_timer_new(world.loop, on_mark, &mark);
    loop_timer_at(world.timer, 0);
    turn(&world);
    turn(&world);
    loop_timer_at(other, world.moved.utc_ms);
    turn(&world);
    assert_string_equal(world.trace, "rrrx");
    (void)loop_free(world.loop);
}

static void free_other(void *ctx)
{
    struct world *world = ctx;
    world->count++;
    loop_timer_free(world->loop, world->timer);
    world->timer = NULL;
}

static void test_a_callback_may_free_a_due_timer(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    struct mark mark = {&world, 'x'};
    struct loop_timer *first = loop_timer_new(world.loop, free_other, &world);
    world.timer = loop_timer_new(world.loop, on_mark, &mark);
    loop_timer_in(first, 0);
    loop_timer_in(world.timer, 0);
    turn(&world);
    assert_int_equal(world.count, 1);
    assert_string_equal(world.trace, "");
    (void)loop_free(world.loop);
}

enum {
    MANY = 2000,
};

struct many {
    struct world *world;
    int64_t latest;
    int64_t due[MANY];
    size_t fired;
};

struct one {
    struct many *many;
    size_t index;
};

static void on_one(void *ctx)
{
    const struct one *one = ctx;
    int64_t due = one->many->due[one->index];
    assert_true(due >= one->many->latest);
    one->many->latest = due;
    one->many->fired++;
}

static void test_many_timers_keep_the_heap_sound(void **state)
{
    (void)state;
    static struct many many;
    static struct one ones[MANY];
    static struct loop_timer *timers[MANY];
    struct world world;
    world_start(&world);
    many.world = &world;
    size_t armed = MANY;
    for (size_t i = 0; i < MANY; i++) {
        ones[i] = (struct one){&many, i};
        timers[i] = loop_timer_new(world.loop, on_one, &ones[i]);
        many.due[i] = world.moved.utc_ms + (int64_t)rng_below(1000);
        loop_timer_at(timers[i], many.due[i]);
    }
    for (size_t i = 0; i < MANY; i += 3) {
        many.due[i] = world.moved.utc_ms + (int64_t)rng_below(1000);
        loop_timer_at(timers[i], many.due[i]);
    }
    for (size_t i = 1; i < MANY; i += 3) {
        loop_timer_free(world.loop, timers[i]);
        armed--;
    }
    for (int64_t step = 0; step < 1000; step += 50) {
        pass(&world, 50);
        turn(&world);
    }
    assert_int_equal(many.fired, armed);
    (void)loop_free(world.loop);
}

static void on_fd(void *ctx, int fd, unsigned events)
{
    struct world *world = ctx;
    if ((events & LOOP_READ) != 0) {
        world->trace[world->count++] = 'r';
        char byte = 0;
        assert_int_equal(read(fd, &byte, 1), 1);
    }
    if ((events & LOOP_ERROR) != 0) {
        world->trace[world->count++] = 'e';
    }
}

static void test_descriptors(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct loop_watch *watch = loop_watch_fd(world.loop, ends[0], LOOP_READ, on_fd, &world);
    turn(&world);
    assert_string_equal(world.trace, "");
    assert_int_equal(write(ends[1], "ab", 2), 2);
    turn(&world);
    turn(&world);
    assert_string_equal(world.trace, "rr");
    loop_watch_events(watch, 0);
    assert_int_equal(write(ends[1], "c", 1), 1);
    turn(&world);
    assert_string_equal(world.trace, "rr");
    loop_watch_events(watch, LOOP_READ);
    turn(&world);
    assert_string_equal(world.trace, "rrr");
    (void)close(ends[1]);
    turn(&world);
    assert_int_equal(world.trace[3], 'e');
    loop_unwatch(world.loop, watch);
    turn(&world);
    (void)close(ends[0]);
    (void)loop_free(world.loop);
}

static void unwatch_self(void *ctx, int fd, unsigned events)
{
    struct world *world = ctx;
    (void)fd;
    (void)events;
    world->count++;
    loop_unwatch(world->loop, world->watch);
}

static void test_unwatch_inside_a_callback(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a", 1), 1);
    world.watch = loop_watch_fd(world.loop, ends[0], LOOP_READ, unwatch_self, &world);
    turn(&world);
    turn(&world);
    assert_int_equal(world.count, 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)loop_free(world.loop);
}

struct receiver {
    void *socket;
    size_t count;
};

static void on_socket(void *ctx)
{
    struct receiver *receiver = ctx;
    char text[8];
    assert_int_equal(zmq_recv(receiver->socket, text, sizeof(text), ZMQ_DONTWAIT), 1);
    receiver->count++;
}

static void test_sockets_are_drained_one_message_a_turn(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    void *context = zmq_ctx_new();
    void *pull = zmq_socket(context, ZMQ_PULL);
    void *push = zmq_socket(context, ZMQ_PUSH);
    assert_int_equal(zmq_bind(pull, "inproc://loop"), 0);
    assert_int_equal(zmq_connect(push, "inproc://loop"), 0);
    struct receiver receiver = {pull, 0};
    struct loop_watch *watch = loop_watch_socket(world.loop, pull, on_socket, &receiver);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(zmq_send(push, "m", 1, 0), 1);
    }
    for (size_t i = 1; i <= 3; i++) {
        turn(&world);
        assert_int_equal(receiver.count, i);
    }
    turn(&world);
    assert_int_equal(receiver.count, 3);
    loop_unwatch(world.loop, watch);
    (void)zmq_close(push);
    (void)zmq_close(pull);
    (void)zmq_ctx_term(context);
    (void)loop_free(world.loop);
}

static void test_turn_end_runs_only_after_work(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    struct mark work = {&world, 'w'};
    struct mark end = {&world, 'E'};
    struct loop_timer *timer = loop_timer_new(world.loop, on_mark, &work);
    loop_on_turn_end(world.loop, on_mark, &end);
    turn(&world);
    loop_timer_in(timer, 0);
    turn(&world);
    assert_string_equal(world.trace, "wE");
    (void)loop_free(world.loop);
}

static void stop_with(void *ctx, int signo)
{
    struct world *world = ctx;
    loop_stop(world->loop, -signo);
}

static void on_reload(void *ctx)
{
    struct world *world = ctx;
    world->trace[world->count++] = 'h';
}

static void on_child(void *ctx)
{
    struct world *world = ctx;
    world->trace[world->count++] = 'c';
}

static void test_signals_are_events(void **state)
{
    (void)state;
    struct world world;
    world_start(&world);
    struct err err = ERR_INIT;
    struct sig *sig = NULL;
    struct sig_handlers handlers = {stop_with, on_reload, on_child, &world};
    sig_block();
    assert_int_equal(sig_new(world.loop, &handlers, &sig, &err), TC_OK);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(kill(getpid(), SIGCHLD), 0);
    turn(&world);
    assert_int_equal(world.count, 2);
    assert_non_null(strchr(world.trace, 'h'));
    assert_non_null(strchr(world.trace, 'c'));
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(loop_run(world.loop, &err), -SIGTERM);
    (void)sig_free(sig);
    (void)loop_free(world.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_fire_in_order_and_once),
        cmocka_unit_test(test_utc_timers_follow_the_clock),
        cmocka_unit_test(test_rearming_to_the_past_starves_nobody),
        cmocka_unit_test(test_a_callback_may_free_a_due_timer),
        cmocka_unit_test(test_many_timers_keep_the_heap_sound),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_unwatch_inside_a_callback),
        cmocka_unit_test(test_sockets_are_drained_one_message_a_turn),
        cmocka_unit_test(test_turn_end_runs_only_after_work),
        cmocka_unit_test(test_signals_are_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
