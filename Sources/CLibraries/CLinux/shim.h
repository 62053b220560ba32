/* What glibc declares only under _GNU_SOURCE, which Swift's Glibc module is built without. */
#pragma once
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* fallocate(2); mode 1 is FALLOC_FL_KEEP_SIZE (linux/falloc.h). */
extern int fallocate(int descriptor, int mode, long offset, long length);

/* posix_spawn_file_actions_addclosefrom_np(3), glibc 2.34. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

/* How many bytes the peer of a TCP connection has sent, one for its end (tcpi_bytes_received of linux/tcp.h, which glibc's
   struct leaves out; it has been at this place since Linux 4.1). 0 where the kernel does not say. */
static inline uint64_t edgeorch_tcp_bytes_received(int descriptor) {
    enum { place = 128 };
    unsigned char info[place + sizeof(uint64_t)];
    socklen_t length = sizeof info;
    uint64_t bytes = 0;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, info, &length) == 0 && length == sizeof info)
        memcpy(&bytes, info + place, sizeof bytes);
    return bytes;
}
