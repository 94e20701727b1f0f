// Preloaded into a program: its FAULT_AT-th write into FAULT_FOLDER, counted over write, writev,
// pwrite and fsync, and all after it fail with FAULT_ERRNO, as on a full or broken disk. With
// FAULT_SIGNAL none fails: the program gets that signal before the FAULT_AT-th.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long writes;

static int fails(int descriptor) {
  const char* folder = getenv("FAULT_FOLDER");
  const char* at = getenv("FAULT_AT");
  if (folder == NULL || at == NULL) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0 || strncmp(path, folder, strlen(folder)) != 0) return 0;
  const long number = atomic_fetch_add(&writes, 1) + 1;
  const char* signal = getenv("FAULT_SIGNAL");
  if (signal != NULL && number == atol(at)) raise(atoi(signal));
  if (signal != NULL || number < atol(at)) return 0;
  errno = atoi(getenv("FAULT_ERRNO"));
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void* bytes, size_t size) {
  return fails(descriptor) ? -1 : REAL(write)(descriptor, bytes, size);
}
ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  return fails(descriptor) ? -1 : REAL(writev)(descriptor, parts, count);
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  return fails(descriptor) ? -1 : REAL(pwrite)(descriptor, bytes, size, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  return fails(descriptor) ? -1 : REAL(pwrite64)(descriptor, bytes, size, offset);
}
int fsync(int descriptor) { return fails(descriptor) ? -1 : REAL(fsync)(descriptor); }
