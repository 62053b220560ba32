#ifndef EDGEORCH_CURL_SHIM_H
#define EDGEORCH_CURL_SHIM_H

#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo are variadic macros, which Swift cannot call: one inline per argument type.

static inline CURLcode edgeorch_curl_set_long(CURL *_Nonnull handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode edgeorch_curl_set_offset(CURL *_Nonnull handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

/// libcurl copies the text.
static inline CURLcode edgeorch_curl_set_text(CURL *_Nonnull handle, CURLoption option, const char *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode edgeorch_curl_set_pointer(CURL *_Nonnull handle, CURLoption option, void *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// The type of CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and CURLOPT_READFUNCTION.
typedef size_t (*edgeorch_curl_transfer)(char *_Nullable bytes, size_t size, size_t count, void *_Nullable context);

static inline CURLcode edgeorch_curl_set_transfer(
    CURL *_Nonnull handle, CURLoption option, edgeorch_curl_transfer _Nonnull function) {
    return curl_easy_setopt(handle, option, function);
}

/// The type of CURLOPT_XFERINFOFUNCTION.
typedef int (*edgeorch_curl_progress)(
    void *_Nullable context, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total,
    curl_off_t uploaded);

static inline CURLcode edgeorch_curl_set_progress(CURL *_Nonnull handle, edgeorch_curl_progress _Nonnull function) {
    return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, function);
}

/// The type of CURLOPT_SEEKFUNCTION.
typedef int (*edgeorch_curl_seek)(void *_Nullable context, curl_off_t offset, int origin);

static inline CURLcode edgeorch_curl_set_seek(CURL *_Nonnull handle, edgeorch_curl_seek _Nonnull function) {
    return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, function);
}

static inline long edgeorch_curl_status(CURL *_Nonnull handle) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/// CURL_GLOBAL_DEFAULT is a macro of a cast that Swift does not import.
static inline CURLcode edgeorch_curl_global_init(void) {
    return curl_global_init(CURL_GLOBAL_DEFAULT);
}

#endif
