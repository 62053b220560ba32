#ifndef EDGEORCH_ZLIB_SHIM_H
#define EDGEORCH_ZLIB_SHIM_H

#include <zlib.h>

/// `deflateInit2` is a macro. Window bits 15 + 16 make the gzip container (zlib manual, deflateInit2).
static inline int edgeorch_gzip_init(z_stream *_Nonnull stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

#endif
