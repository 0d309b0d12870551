#include "core/base/id.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace latchwire {
namespace {

const absl::Time kTime = absl::FromUnixMillis(0x0123456789AB);

TEST(Uuid, V4HasVersionAndVariant) {
  SeededRandom random(1);
  for (int i = 0; i < 100; ++i) {
    const std::string text = Uuid::MakeV4(&random).ToString();
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(absl::string_view("89ab").find(text[19]), absl::string_view::npos) << text;
  }
}

TEST(Uuid, V7LayoutOfRfc9562) {
  const std::string text = Uuid::MakeV7(kTime, SystemRandom()).ToString();
  EXPECT_EQ(text.substr(0, 15), "01234567-89ab-7");
  EXPECT_NE(absl::string_view("89ab").find(text[19]), absl::string_view::npos) << text;
}

TEST(Uuid, V7SortsInTheOrderMadeWithinAMillisecond) {
  SeededRandom random(7);
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = Uuid::MakeV7(kTime, &random).ToString();
    EXPECT_LT(last, text);
    last = text;
  }
  EXPECT_LT(last, Uuid::MakeV7(kTime + absl::Milliseconds(1), &random).ToString());
}

TEST(Uuid, V7DiffersWhenTheClockGoesBack) {
  SeededRandom random(7);
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.insert(Uuid::MakeV7(kTime - absl::Milliseconds(i % 3), &random).ToString());
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(Uuid, V7BeforeTheEpochIsZero) {
  SeededRandom random(7);
  EXPECT_EQ(Uuid::MakeV7(absl::InfinitePast(), &random).ToString().substr(0, 15),
            "00000000-0000-7");
}

TEST(Uuid, V7RepeatsFromASeed) {
  for (int run = 0; run < 2; ++run) {
    SeededRandom a(42), b(42);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Uuid::MakeV7(kTime, &a), Uuid::MakeV7(kTime, &b));
  }
}

TEST(Uuid, V7FromManyThreadsNeverRepeats) {
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made) {
    threads.emplace_back([&ids] {
      for (int i = 0; i < 1000; ++i) ids.push_back(Uuid::MakeV7(kTime, SystemRandom()).ToString());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 4000u);
}

TEST(Uuid, ParseRoundTripsEitherCase) {
  const auto id = Uuid::Parse("0190A6B2-7c3d-7ABC-8def-0123456789ab");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->ToString(), "0190a6b2-7c3d-7abc-8def-0123456789ab");
}

TEST(Uuid, ParseRefusesOtherForms) {
  for (const char* text :
       {"", "0190a6b27c3d7abc8def0123456789ab", "{0190a6b2-7c3d-7abc-8def-0123456789ab}",
        "0190a6b2-7c3d-7abc-8def-0123456789a", "0190a6b2-7c3d-7abc-8def-0123456789abc",
        "0190a6b2-7c3d-7abc-8def-0123456789ag", "0190a6b2+7c3d-7abc-8def-0123456789ab",
        "0190a6b27-c3d-7abc-8def-0123456789ab"}) {
    EXPECT_EQ(Uuid::Parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace latchwire
