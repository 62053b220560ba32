#ifndef EDGEORCH_POSTGRESQL_SHIM_H
#define EDGEORCH_POSTGRESQL_SHIM_H

#include <libpq-fe.h>

// The fields of an error are named by character macros, which Swift does not import.

static inline const char *_Nullable edgeorch_pg_state(const PGresult *_Nonnull result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

static inline const char *_Nullable edgeorch_pg_sentence(const PGresult *_Nonnull result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}

static inline const char *_Nullable edgeorch_pg_constraint(const PGresult *_Nonnull result) {
    return PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
}

#endif
