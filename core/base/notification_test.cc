#include "core/base/notification.h"

#include <gtest/gtest.h>

#include <thread>

namespace latchwire {
namespace {

TEST(NotificationTest, IsWaitedForAndStays) {
  Notification notification;
  EXPECT_FALSE(notification.WaitFor(absl::ZeroDuration()));
  std::thread other([&] { notification.Notify(); });
  EXPECT_TRUE(notification.WaitFor(absl::Minutes(1)));
  other.join();
  EXPECT_TRUE(notification.WaitFor(absl::ZeroDuration()));
}

}  // namespace
}  // namespace latchwire
