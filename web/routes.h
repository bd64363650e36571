#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H

#include <stdbool.h>

#include "web/gate.h"

struct call;
struct http_request;
struct url_path;
struct web;

/* The table of everything that is served; what is not in it does not exist. */
struct route {
    const char *method; /* GET also answers HEAD */
    const char *path;   /* segments, "*" for any one */
    enum access access;
    void (*handler)(struct call *call);
};

extern const struct route routes[]; /* ends with a NULL method */

/* The route of a request.
 * Shape:  ret_has_path: the path exists, if only for another method.
 * Units:  none.
 * Owns:   static, or NULL.
 * Errors: none. */
const struct route *routes_find(const char *method, const struct url_path *path,
                                bool *ret_has_path);

/* End the program unless every route says who may use it. Trivial. */
void routes_check(void);

/* Serve one request; the http_fn of the server, web being its context.
 * Trivial. */
void routes_serve(void *web, struct http_request *request);

#endif
