/* tocsin-router; no logic. */
#include "lib/sys/program.h"
#include "router/flow/daemon.h"

int main(int argc, char **argv)
{
    return program_main(&router_program, argc, argv);
}
