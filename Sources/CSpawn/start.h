#pragma once
#include "cspawn.h"
#include <signal.h>
#include <sys/resource.h>

/// What this process was started with.
struct cspawn_start {
    sigset_t mask;
    sigset_t ignored;
    struct rlimit open_files;
    /// The open descriptors, in order.
    int *descriptors;
    size_t descriptor_count;
};

extern struct cspawn_start cspawn_at_start;

/// Closes the descriptors from `first` to `last`, by system calls only.
void cspawn_close(unsigned first, unsigned last);

/// Changes what ps(1) shows of this process.
void cspawn_rename(const char *name);
