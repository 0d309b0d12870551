// What a long-lived program does to its own process: signals and limits.
#pragma once

#include <csignal>

namespace latchwire {

// SIGTERM and SIGINT. Made before the first thread: all threads inherit the mask, so that only Wait
// sees these signals.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;

  // Blocks until one comes; its number. The next one then ends the process at once, which loses
  // nothing that was answered. Once.
  int Wait();

 private:
  sigset_t set_;
  bool waited_ = false;
};

// Ignores SIGPIPE (a closed connection is an error of the write), raises the soft limit of open
// files to the hard one (it is often 1024, fewer than the connections that may be open), and
// switches off Abseil's search for lock cycles, which Debian builds in: gRPC takes its locks by it,
// and it costs a quarter of the time of a unary call. Before the first thread.
void PrepareProcess();

}  // namespace latchwire
