/* tocsin-notifier: wires one channel into the program shell. */
#include "lib/sys/program.h"
#include "notifiers/notifier.h"

int main(int argc, char **argv)
{
    struct program program = {
        .name = "notifier",
        .doc = "Sends the notifications of one channel: email, file, pagerduty or slack.",
        .operands = "CHANNEL",
        .operand_count = 1,
        .sections = notifier_sections(),
        .check = notifier_check,
        .start = notifier_start,
        .stop = notifier_stop,
        .reload = notifier_reload,
        .end = notifier_end,
    };
    return program_main(&program, argc, argv);
}
