// What glibc's spawn.h has and Swift's module of it leaves out (posix_spawn_file_actions_addclosefrom_np: glibc 2.34).
#pragma once
#include <spawn.h>

extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

/// Lets the new process have no file descriptor from `first` on.
static inline int cspawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

/// `POSIX_SPAWN_SETSID`: the new process leads a session of its own.
static const short cspawn_new_session = 0x80;
