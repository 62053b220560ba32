/* What glibc declares only under _GNU_SOURCE, which Swift's Glibc module is built without. */
#pragma once
#include <spawn.h>

/* fallocate(2); mode 1 is FALLOC_FL_KEEP_SIZE (linux/falloc.h). */
extern int fallocate(int descriptor, int mode, long offset, long length);

/* posix_spawn_file_actions_addclosefrom_np(3), glibc 2.34. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
