/* tocsin-web; no logic. */
#include "lib/sys/program.h"
#include "web/web.h"

int main(int argc, char **argv)
{
    return program_main(&web_program, argc, argv);
}
