// Makes writes and syncs of a program fail on demand, for as long as a test wants. Preloaded; told
// by two variables of the environment:
//   LATCHWIRE_FAIL_IO_UNDER   only files whose path begins so
//   LATCHWIRE_FAIL_IO_SWITCH  a file of two bytes, watched all the time: what fails (a sum of
//                             kWrites and kSyncs; 0: nothing) and the errno it fails with
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr unsigned char kWrites = 1;
constexpr unsigned char kSyncs = 2;

const volatile unsigned char* MapSwitch() {
  const char* path = std::getenv("LATCHWIRE_FAIL_IO_SWITCH");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* mapped = mmap(nullptr, 2, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<const volatile unsigned char*>(mapped);
}

// Sets errno when this call is to fail.
bool Fails(unsigned char kind, int fd) {
  static const volatile unsigned char* const control = MapSwitch();
  static const char* const under = std::getenv("LATCHWIRE_FAIL_IO_UNDER");
  if (control == nullptr || under == nullptr || (control[0] & kind) == 0) return false;
  const int kept_errno = errno;
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof(path));
  const size_t prefix = std::strlen(under);
  const bool ours = size >= static_cast<ssize_t>(prefix) && std::memcmp(path, under, prefix) == 0;
  errno = ours ? control[1] : kept_errno;
  return ours;
}

template <typename Function>
Function* Real(Function* /*like*/, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// One function each, under the names that large-file builds call too.
#define LATCHWIRE_FAILING(kind, result, name, parameters, fd, arguments)     \
  extern "C" __attribute__((visibility("default"))) result name parameters { \
    static auto* const real = Real(&name, #name);                            \
    if (Fails(kind, fd)) return -1;                                          \
    return real arguments;                                                   \
  }

LATCHWIRE_FAILING(kWrites, ssize_t, write, (int fd, const void* data, size_t size), fd,
                  (fd, data, size))
LATCHWIRE_FAILING(kWrites, ssize_t, writev, (int fd, const iovec* parts, int count), fd,
                  (fd, parts, count))
LATCHWIRE_FAILING(kWrites, ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), fd,
                  (fd, data, size, at))
LATCHWIRE_FAILING(kWrites, ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at),
                  fd, (fd, data, size, at))
LATCHWIRE_FAILING(kWrites, int, ftruncate, (int fd, off_t size) noexcept, fd, (fd, size))
LATCHWIRE_FAILING(kWrites, int, ftruncate64, (int fd, off64_t size) noexcept, fd, (fd, size))
LATCHWIRE_FAILING(kSyncs, int, fsync, (int fd), fd, (fd))
LATCHWIRE_FAILING(kSyncs, int, fdatasync, (int fd), fd, (fd))
