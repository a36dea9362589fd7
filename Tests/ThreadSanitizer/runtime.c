// Shows ThreadSanitizer what it can't see of Swift: three places where one thread hands over to another inside of the
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

// A buffer: one thread reads it and drops its reference, another one finds that it has the only one left and writes. Only the storage
// of NIO's buffers is looked at, since each object's count would cost each test many times its time.

#define STORAGE "$s7NIOCore10ByteBufferV8_StorageCN"
#define RELEASE "swift_release"
#define RELEASE_SEVERAL "swift_release_n"
#define IS_UNIQUE "swift_isUniquelyReferenced_native"

extern char storage[] __asm__(STORAGE) __attribute__((weak));

void release(void *object) __asm__(RELEASE);
void releaseSeveral(void *object, uint32_t count) __asm__(RELEASE_SEVERAL);
bool isUnique(void *object) __asm__(IS_UNIQUE);

static void (*releaseOriginal)(void *object);
static void (*releaseSeveralOriginal)(void *object, uint32_t count);
static bool (*isUniqueOriginal)(void *object);

/// Whether an object's class is that one.
static bool isStorage(void *object) { return object && *(char **)object == storage; }

static SWIFT void (*lockOriginal)(uint32_t thread, SELF mutex);
static SWIFT bool (*tryLockOriginal)(SELF mutex);
static SWIFT void (*unlockOriginal)(SELF mutex);
static SWIFT void (*deallocateOriginal)(void *memory);

__attribute__((constructor)) static void find(void) {
  lockOriginal = dlsym(RTLD_NEXT, LOCK);
  tryLockOriginal = dlsym(RTLD_NEXT, TRY_LOCK);
  unlockOriginal = dlsym(RTLD_NEXT, UNLOCK);
  deallocateOriginal = dlsym(RTLD_NEXT, DEALLOCATE);
  isUniqueOriginal = dlsym(RTLD_NEXT, IS_UNIQUE);
  releaseSeveralOriginal = dlsym(RTLD_NEXT, RELEASE_SEVERAL);
  releaseOriginal = dlsym(RTLD_NEXT, RELEASE);
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

void release(void *object) {
  if (isStorage(object)) __tsan_release(object);
  // Other libraries' constructors may come before this one's.
  if (!releaseOriginal) find();
  releaseOriginal(object);
}

void releaseSeveral(void *object, uint32_t count) {
  if (isStorage(object)) __tsan_release(object);
  if (!releaseSeveralOriginal) find();
  releaseSeveralOriginal(object, count);
}

bool isUnique(void *object) {
  if (!isUniqueOriginal) find();
  bool is = isUniqueOriginal(object);
  if (is && isStorage(object)) __tsan_acquire(object);
  return is;
}
