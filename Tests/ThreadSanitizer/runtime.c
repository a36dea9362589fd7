// Shows ThreadSanitizer what it can't see of Swift: two places where one thread hands over to another inside of the
// runtime's libraries, which aren't instrumented. Without them it takes what is handed over for a race. Each function here
// stands in front of the runtime's own of that name, calls it, and says what it means. Nothing is suppressed.
//
// scripts/tsan links it into the programs that it builds.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

// `Mutex`: where two threads want it at once, the library spins, or lets the kernel hand it on (a futex).

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void lock(uint32_t thread, SELF mutex) __asm__(LOCK);
SWIFT bool tryLock(SELF mutex) __asm__(TRY_LOCK);
SWIFT void unlock(SELF mutex) __asm__(UNLOCK);

// A continuation: the runtime tells the sanitizer of its resumption, but of its taking up only if the task has slept, not
// if the resumption came first. What can be seen of the task then is that it frees what the wait took of its memory.

#define DEALLOCATE "swift_task_dealloc"

SWIFT void deallocate(void *memory) __asm__(DEALLOCATE);
SWIFT void *swift_task_getCurrent(void);

static SWIFT void (*lockOriginal)(uint32_t thread, SELF mutex);
static SWIFT bool (*tryLockOriginal)(SELF mutex);
static SWIFT void (*unlockOriginal)(SELF mutex);
static SWIFT void (*deallocateOriginal)(void *memory);

__attribute__((constructor)) static void find(void) {
  lockOriginal = dlsym(RTLD_NEXT, LOCK);
  tryLockOriginal = dlsym(RTLD_NEXT, TRY_LOCK);
  unlockOriginal = dlsym(RTLD_NEXT, UNLOCK);
  deallocateOriginal = dlsym(RTLD_NEXT, DEALLOCATE);
}

SWIFT void lock(uint32_t thread, SELF mutex) {
  lockOriginal(thread, mutex);
  __tsan_acquire(mutex);
}

SWIFT bool tryLock(SELF mutex) {
  bool isTaken = tryLockOriginal(mutex);
  if (isTaken) __tsan_acquire(mutex);
  return isTaken;
}

SWIFT void unlock(SELF mutex) {
  __tsan_release(mutex);
  unlockOriginal(mutex);
}

SWIFT void deallocate(void *memory) {
  deallocateOriginal(memory);
  // The thread that resumes a task has released it.
  __tsan_acquire(swift_task_getCurrent());
}
