#include "core/program/process.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

namespace latchwire {
namespace {

TEST(ProcessTest, StopsAreWaitedForAndTheSecondOneKills) {
  EXPECT_EXIT(
      {
        StopSignals signals;
        raise(SIGTERM);  // blocked: it waits
        const int number = signals.Wait();
        if (number != SIGTERM) _exit(1);
        raise(SIGINT);
        _exit(2);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

TEST(ProcessTest, ABrokenPipeIsNoSignalAndFilesAreUpToTheHardLimit) {
  EXPECT_EXIT(
      {
        PrepareProcess();
        raise(SIGPIPE);
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        _exit(limit.rlim_cur == limit.rlim_max ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace latchwire
