/* Calendar arithmetic: days, dates, weekdays. No zones, no kernel, no tables. Called by timetext,
 * tz and cron. */
#include "lib/base/civil.h"

#include "lib/base/assert.h"

enum {
    ERA_YEARS = 400, /* the Gregorian calendar repeats after these */
    ERA_DAYS = 146097,
    DAYS_TO_1970 = 719468, /* from 0000-03-01, where the arithmetic starts */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Years are counted from March, so that the leap day is the last day of a year. */
int64_t civil_days(struct civil_date date)
{
    TC_ASSERT(date.month >= 1);
    TC_ASSERT(date.month <= 12);
    int64_t year = (int64_t)date.year - (date.month <= 2 ? 1 : 0);
    int64_t era = floor_div(year, ERA_YEARS);
    int64_t year_of_era = year - era * ERA_YEARS;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - DAYS_TO_1970;
}

struct civil_date civil_from_days(int64_t days)
{
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = floor_div(shifted, ERA_DAYS);
    int64_t day_of_era = shifted - era * ERA_DAYS;
    int64_t leaps = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
    int64_t year_of_era = (day_of_era - leaps) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct civil_date){
        .year = (int32_t)(year_of_era + era * ERA_YEARS + (month <= 2 ? 1 : 0)),
        .month = (int32_t)month,
        .day = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}

int32_t civil_weekday(int64_t days)
{
    int64_t thursday_based = days - floor_div(days, 7) * 7;
    return (int32_t)((thursday_based + 4) % 7);
}

int32_t civil_month_length(int32_t year, int32_t month)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    TC_ASSERT(month >= 1);
    TC_ASSERT(month <= 12);
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

bool civil_is_date(struct civil_date date)
{
    return date.year >= CIVIL_YEAR_MIN && date.year <= CIVIL_YEAR_MAX && date.month >= 1 &&
           date.month <= 12 && date.day >= 1 &&
           date.day <= civil_month_length(date.year, date.month);
}

int64_t civil_ms(struct civil_time time)
{
    int64_t seconds = (int64_t)time.hour * 3600 + (int64_t)time.minute * 60 + time.second;
    return civil_days(time.date) * CIVIL_DAY_MS + seconds * 1000 + time.ms;
}

struct civil_time civil_from_ms(int64_t ms)
{
    int64_t days = floor_div(ms, CIVIL_DAY_MS);
    int32_t rest = (int32_t)(ms - days * CIVIL_DAY_MS);
    return (struct civil_time){
        .date = civil_from_days(days),
        .hour = rest / 3600000,
        .minute = rest / 60000 % 60,
        .second = rest / 1000 % 60,
        .ms = rest % 1000,
    };
}
