/* Keeps the text of every statement that SQLite carries out in a process, preloaded into it: SQLite's own trace,
 * a text and a zero byte for each, in the file that STATEMENTS names. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static FILE *statements;

static int carried_out(unsigned kind, void *context, void *statement, void *text) {
    (void)kind;
    (void)context;
    (void)statement;
    /* One call, so that statements of several threads do not mix. */
    fprintf(statements, "%s%c", (const char *)text, 0);
    fflush(statements);
    return 0;
}

static int opened(sqlite3 *database, char **words, const struct sqlite3_api_routines *routines) {
    (void)words;
    (void)routines;
    return sqlite3_trace_v2(database, SQLITE_TRACE_STMT, carried_out, NULL);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("STATEMENTS");
    statements = path ? fopen(path, "ab") : NULL;
    if (!statements) abort();
    sqlite3_auto_extension((void (*)(void))opened);
}
