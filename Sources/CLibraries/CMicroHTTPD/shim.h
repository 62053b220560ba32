#ifndef EDGEORCH_MICROHTTPD_SHIM_H
#define EDGEORCH_MICROHTTPD_SHIM_H

#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <stddef.h>

/// What `MHD_start_daemon` takes as variable arguments, as fields.
struct edgeorch_mhd_setup {
    int listen_socket;
    unsigned int threads;
    unsigned int connection_limit;
    unsigned int idle_timeout_seconds;
    size_t connection_memory_bytes;
    void *context;
    MHD_AcceptPolicyCallback accept_policy;
    MHD_AccessHandlerCallback request_progressed;
    MHD_NotifyConnectionCallback connection_changed;
    MHD_RequestCompletedCallback request_completed;
    void *(*request_line_received)(void *context, const char *target, struct MHD_Connection *connection);
    size_t (*unescape)(void *context, struct MHD_Connection *connection, char *text);
    /// Null for a server without TLS; called at each handshake.
    gnutls_certificate_retrieve_function3 *certificate_wanted;
    /// GnuTLS' priority string; read before the call returns.
    const char *tls_priorities;
    /// PEM of the authorities whose client certificates are asked for; null to ask for none.
    const char *client_authorities;
};

/// Swift cannot call variadic functions: this is `MHD_start_daemon` with a fixed option list.
static inline struct MHD_Daemon *_Nullable edgeorch_mhd_start(const struct edgeorch_mhd_setup *_Nonnull setup) {
    struct MHD_OptionItem pool[] = {
        {MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)setup->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem single[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem authorities = {MHD_OPTION_END, 0, NULL};
    if (setup->client_authorities != NULL) {
        authorities.option = MHD_OPTION_HTTPS_MEM_TRUST;
        authorities.ptr_value = (void *)setup->client_authorities;
    }
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)setup->tls_priorities},
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)setup->certificate_wanted},
        authorities,
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC
            | (setup->certificate_wanted == NULL ? 0 : MHD_USE_TLS), 0,
        setup->accept_policy, setup->context, setup->request_progressed, setup->context,
        MHD_OPTION_LISTEN_SOCKET, setup->listen_socket,
        MHD_OPTION_CONNECTION_LIMIT, setup->connection_limit,
        MHD_OPTION_CONNECTION_TIMEOUT, setup->idle_timeout_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, setup->connection_memory_bytes,
        MHD_OPTION_NOTIFY_CONNECTION, setup->connection_changed, setup->context,
        MHD_OPTION_NOTIFY_COMPLETED, setup->request_completed, setup->context,
        MHD_OPTION_URI_LOG_CALLBACK, setup->request_line_received, setup->context,
        MHD_OPTION_UNESCAPE_CALLBACK, setup->unescape, setup->context,
        MHD_OPTION_ARRAY, setup->threads > 1 ? pool : single,
        MHD_OPTION_ARRAY, setup->certificate_wanted == NULL ? single : tls,
        MHD_OPTION_END);
}

/// `MHD_get_connection_info` is variadic; the socket of a connection, or -1.
static inline int edgeorch_mhd_socket(struct MHD_Connection *_Nonnull connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

/// `MHD_get_connection_info` is variadic; the address of the peer, or null.
static inline const struct sockaddr *_Nullable edgeorch_mhd_peer(struct MHD_Connection *_Nonnull connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info == NULL ? NULL : info->client_addr;
}

/// `MHD_get_connection_info` is variadic; the context its connection notification stored, or null.
static inline void *_Nullable edgeorch_mhd_socket_context(struct MHD_Connection *_Nonnull connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/// `MHD_get_connection_info` is variadic; the TLS session of a connection, or null.
static inline gnutls_session_t _Nullable edgeorch_mhd_tls_session(struct MHD_Connection *_Nonnull connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : (gnutls_session_t)info->tls_session;
}

/// `MHD_get_connection_info` is variadic; the status of the response being sent, or 0.
static inline unsigned int edgeorch_mhd_status(struct MHD_Connection *_Nonnull connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    return info == NULL ? 0 : info->http_status;
}

#endif
