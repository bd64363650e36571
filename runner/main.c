/* tocsin-runner, or its spawner; no logic. */
#include "lib/base/str.h"
#include "lib/sys/program.h"
#include "runner/runner.h"
#include "runner/spawner.h"

int main(int argc, char **argv)
{
    if (argc > 1 && str_eq(argv[1], SPAWNER_ARGUMENT)) {
        return spawner_main(argc, argv);
    }
    return program_main(&runner_program, argc, argv);
}
