// Sets up the process of a long-lived program: signals and limits.
#pragma once

#include <csignal>

namespace latchwire {

// Waits for SIGTERM and SIGINT. Create it before the first thread: all threads inherit the mask, so
// that only Wait sees these signals.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;

  // Blocks until a signal arrives and returns its number. A second signal then ends the process at
  // once, which loses nothing that was answered. Called once.
  int Wait();

 private:
  sigset_t set_;
  bool waited_ = false;
};

// Ignores SIGPIPE (a closed connection is an error of the write), raises the soft limit of open
// files to the hard one (it is often 1024, fewer than the connections that may be open), and
// switches off Abseil's search for lock cycles, which Debian builds in: it covers gRPC's locks and
// costs a quarter of the time of a unary call. Call it before the first thread.
void PrepareProcess();

}  // namespace latchwire
