#ifndef WEB_WEB_H
#define WEB_WEB_H

struct program;

/* tocsin-web as a program (lib/sys/program.h). */
extern const struct program web_program;

#endif
