/*
 * Writes down, in order, what a process does to the files of one directory, and what of it it has had synced. Loaded with
 * LD_PRELOAD; POWERLOSS_DIRECTORY names the directory, POWERLOSS_JOURNAL the file to write it down in.
 *
 * A record is a header, the file's path, and for a write its bytes. It is written after the call has succeeded and before the
 * caller knows: what the caller does next (an acknowledgement, say) comes behind it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE = 1, TRUNCATE = 2, SYNC = 3, UNLINK = 4 };

struct header {
  uint32_t kind, path_length;
  uint64_t offset, length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static const char *directory;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("POWERLOSS_JOURNAL");
  directory = getenv("POWERLOSS_DIRECTORY");
  if (path && directory) journal = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void record(enum kind kind, const char *path, uint64_t offset, const void *bytes, uint64_t length) {
  if (journal < 0 || strncmp(path, directory, strlen(directory)) != 0) return;
  struct header header = { kind, strlen(path), offset, length };
  struct iovec parts[] = {
    { &header, sizeof header }, { (void *)path, header.path_length }, { (void *)bytes, bytes ? length : 0 }
  };
  uint64_t size = sizeof header + header.path_length + (bytes ? length : 0);
  pthread_mutex_lock(&lock);
  /* A journal with a hole would prove nothing. */
  if (syscall(SYS_writev, journal, parts, 3) != (long)size) abort();
  pthread_mutex_unlock(&lock);
}

static void record_open(enum kind kind, int file, uint64_t offset, const void *bytes, uint64_t length) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t size = syscall(SYS_readlink, link, path, sizeof path - 1);
  if (size <= 0) return;
  path[size] = 0;
  record(kind, path, offset, bytes, length);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
  ssize_t done = syscall(SYS_pwrite64, file, bytes, length, offset);
  if (done > 0) record_open(WRITE, file, offset, bytes, done);
  return done;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) { return pwrite64(file, bytes, length, offset); }

int ftruncate64(int file, off64_t length) {
  int done = syscall(SYS_ftruncate, file, length);
  if (done == 0) record_open(TRUNCATE, file, 0, NULL, length);
  return done;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int fsync(int file) {
  int done = syscall(SYS_fsync, file);
  if (done == 0) record_open(SYNC, file, 0, NULL, 0);
  return done;
}

int fdatasync(int file) {
  int done = syscall(SYS_fdatasync, file);
  if (done == 0) record_open(SYNC, file, 0, NULL, 0);
  return done;
}

int unlink(const char *path) {
  int done = syscall(SYS_unlink, path);
  if (done == 0) record(UNLINK, path, 0, NULL, 0);
  return done;
}
