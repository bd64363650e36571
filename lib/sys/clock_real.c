/* The kernel's time as the one clock of a process: UTC on CLOCK_BOOTTIME, led back to the wall
 * clock, and faster than real time in demonstrations. Not for timers, which are loop.c's. Called by
 * program.c; every other file gets a struct clock. */
#include "lib/sys/clock_real.h"

#include <time.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/sys/clock.h"

enum {
    US_PER_MS = 1000,
    US_PER_S = 1000 * 1000,
    SLEW_DIVISOR = 20, /* at most 5 % of the time that passes */
};

struct clock_real {
    struct clock clock;
    struct clock_source source;
    int64_t offset_us;     /* real UTC = boot time + this */
    int64_t checked_us;    /* boot time of the last check */
    int64_t since_utc_ms;  /* anchor of the rate */
    int64_t latest_utc_ms; /* nothing below it is given while no large step was taken over */
};

static int64_t kernel_us(clockid_t id)
{
    struct timespec now = {0};
    int failed = clock_gettime(id, &now);
    TC_ASSERT(failed == 0);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static int64_t kernel_boot_us(void *ctx)
{
    (void)ctx;
    return kernel_us(CLOCK_BOOTTIME);
}

static int64_t kernel_wall_us(void *ctx)
{
    (void)ctx;
    return kernel_us(CLOCK_REALTIME);
}

static int64_t boot_us(const struct clock_real *real)
{
    return real->source.boot_us(real->source.ctx);
}

static int64_t wall_us(const struct clock_real *real)
{
    return real->source.wall_us(real->source.ctx);
}

/* Whole milliseconds, rounded down also before 1970. */
static int64_t floor_ms(int64_t us)
{
    int64_t ms = us / US_PER_MS;
    return us % US_PER_MS < 0 ? ms - 1 : ms;
}

static int64_t real_now_utc_ms(void *ctx)
{
    struct clock_real *real = ctx;
    int64_t utc_us = boot_us(real) + real->offset_us;
    int64_t utc_ms = floor_ms(utc_us);
    if (real->clock.rate > 1) {
        int64_t since_us = real->since_utc_ms * US_PER_MS;
        utc_ms = floor_ms(since_us + (utc_us - since_us) * real->clock.rate);
    }
    /* A slew is slower than time itself, but it is applied at once for the interval behind. */
    if (utc_ms > real->latest_utc_ms) {
        real->latest_utc_ms = utc_ms;
    }
    return real->latest_utc_ms;
}

static int64_t real_mono_us(void *ctx)
{
    return boot_us(ctx);
}

struct clock_real *clock_real_new(const struct clock_real_options *options)
{
    struct clock_real *real = mem_alloc(sizeof(*real));
    int32_t rate = options == NULL ? 1 : options->rate;
    TC_ASSERT(rate >= 1);
    TC_ASSERT(rate <= CLOCK_RATE_MAX);
    if (options != NULL && options->source != NULL) {
        real->source = *options->source;
    } else {
        real->source = (struct clock_source){kernel_boot_us, kernel_wall_us, NULL};
    }
    real->clock = (struct clock){real_now_utc_ms, real_mono_us, rate, real};
    real->since_utc_ms = options == NULL ? 0 : options->since_utc_ms;
    real->checked_us = boot_us(real);
    real->offset_us = wall_us(real) - real->checked_us;
    real->latest_utc_ms = INT64_MIN;
    return real;
}

struct clock_real *clock_real_free(struct clock_real *real)
{
    mem_free(real);
    return NULL;
}

void clock_real_freep(struct clock_real **real)
{
    *real = clock_real_free(*real);
}

const struct clock *clock_real_clock(const struct clock_real *real)
{
    return &real->clock;
}

bool clock_real_check(struct clock_real *real, int64_t *ret_step_ms)
{
    int64_t boot = boot_us(real);
    int64_t apart_us = wall_us(real) - boot - real->offset_us;
    int64_t slew_us_max = (boot - real->checked_us) / SLEW_DIVISOR;
    real->checked_us = boot;
    if (apart_us > (int64_t)CLOCK_STEP_MS * US_PER_MS ||
        apart_us < -(int64_t)CLOCK_STEP_MS * US_PER_MS) {
        real->offset_us += apart_us;
        real->latest_utc_ms = INT64_MIN;
        *ret_step_ms = apart_us / US_PER_MS;
        return true;
    }
    if (apart_us > slew_us_max) {
        apart_us = slew_us_max;
    } else if (apart_us < -slew_us_max) {
        apart_us = -slew_us_max;
    }
    real->offset_us += apart_us;
    return false;
}

int clock_rate_read(const char *text, bool is_demo, int64_t since_utc_ms, int32_t *ret_rate,
                    struct err *err)
{
    if (text == NULL || *text == '\0') {
        *ret_rate = 1;
        return TC_OK;
    }
    int64_t rate = 0;
    if (parse_whole_i64(text, 1, CLOCK_RATE_MAX, &rate) != TC_OK) {
        return err_set(err, TC_ECONFIG,
                       "TOCSIN_CLOCK_RATE is \"%s\"; it must be a whole number from 1 to %d", text,
                       CLOCK_RATE_MAX);
    }
    if (!is_demo) {
        return err_set(err, TC_ECONFIG,
                       "TOCSIN_CLOCK_RATE is set without \"demo: true\" in the configuration: only "
                       "a demonstration may run faster than real time");
    }
    if (since_utc_ms == INT64_MIN && rate > 1) {
        return err_set(err, TC_ECONFIG,
                       "TOCSIN_CLOCK_RATE needs \"demo_since\" in the configuration, the instant "
                       "from which all processes count; `tocsin init --demo` writes it");
    }
    *ret_rate = (int32_t)rate;
    return TC_OK;
}
