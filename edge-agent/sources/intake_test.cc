// What the intake does for every source alike; the families' own rules are in core/dialects.
#include "edge-agent/sources/intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/testing/simulated_world.h"

namespace latchwire::edge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class HoldingSink : public EventSink {
 public:
  void Accept(std::vector<Event> batch, absl::AnyInvocable<void(absl::Status)> done) override {
    batches.push_back(std::move(batch));
    waiting.push_back(std::move(done));
  }
  std::vector<std::vector<Event>> batches;
  std::vector<absl::AnyInvocable<void(absl::Status)>> waiting;
};

class IntakeTest : public testing::Test {
 protected:
  struct Answer {
    bool came = false;
    absl::StatusOr<std::vector<std::string>> ids = absl::UnknownError("no answer yet");
  };
  std::shared_ptr<Answer> Submit(absl::string_view family, absl::string_view body) {
    auto answer = std::make_shared<Answer>();
    intake_->Submit(family, {.body = body}, [answer](auto ids) {
      EXPECT_FALSE(answer->came) << "answered twice";
      answer->came = true;
      answer->ids = std::move(ids);
    });
    return answer;
  }
  static std::string PanelBody(int id) {
    return absl::StrCat(R"({"data":{},"event_type":"log.tamper_event","event_id":)", id, "}");
  }

  SimulatedClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SeededRandom random_{3};
  HoldingSink sink_;
  const std::unique_ptr<Intake> intake_ =
      *Intake::Make({{"panel", {{{"allow_unsigned", "true"}}}}, {"situator", {{{"token", "t"}}}}},
                    &sink_, &clock_, &random_);
};

TEST_F(IntakeTest, AnswersOnlyOnceTheEventsAreDurable) {
  const auto answer =
      Submit("situator", R"({"token":"t","events":[{"type":"access"},{"type":"zone"}]})");
  EXPECT_FALSE(answer->came);
  EXPECT_EQ(intake_->Stats()[0].accepted_events, 0u);
  ASSERT_THAT(sink_.batches, ElementsAre(SizeIs(2)));
  for (const Event& event : sink_.batches[0]) EXPECT_EQ(event.receive_time, clock_.Now());
  sink_.waiting[0](absl::OkStatus());
  ASSERT_TRUE(answer->ids.ok());
  EXPECT_THAT(*answer->ids, ElementsAre(sink_.batches[0][0].id, sink_.batches[0][1].id));
  EXPECT_EQ(intake_->Stats()[0].family, "situator");
  EXPECT_EQ(intake_->Stats()[0].accepted_events, 2u);
}

TEST_F(IntakeTest, NothingToStoreIsAnsweredAtOnce) {
  const auto answer = Submit("situator", R"({"token":"t","events":[]})");
  ASSERT_TRUE(answer->ids.ok());
  EXPECT_THAT(*answer->ids, IsEmpty());
  EXPECT_THAT(sink_.batches, IsEmpty());
}

TEST_F(IntakeTest, ARepeatIsKnownByTheKeyThatItsDialectGives) {
  const auto first = Submit("panel", PanelBody(7));
  EXPECT_EQ(Submit("panel", PanelBody(7))->ids.status().code(), absl::StatusCode::kUnavailable);
  sink_.waiting[0](absl::OkStatus());
  const auto again = Submit("panel", PanelBody(7));
  ASSERT_TRUE(again->ids.ok());
  EXPECT_EQ(*again->ids, *first->ids);
  EXPECT_THAT(sink_.batches, SizeIs(1));
  EXPECT_EQ(intake_->Stats()[1].repeated_events, 1u);
  EXPECT_EQ(intake_->Stats()[1].accepted_events, 1u);
}

TEST_F(IntakeTest, WhatWasNotTakenMayComeAgain) {
  const auto first = Submit("panel", PanelBody(7));
  sink_.waiting[0](absl::ResourceExhaustedError("/var/lib is full"));
  EXPECT_EQ(ReasonOf(first->ids.status()), "OVERLOADED");
  EXPECT_THAT(std::string(first->ids.status().message()), testing::Not(HasSubstr("/var")));
  Submit("panel", PanelBody(7));
  EXPECT_THAT(sink_.batches, SizeIs(2));
  sink_.waiting[1](absl::UnavailableError("EIO"));
  EXPECT_EQ(intake_->Stats()[1].accepted_events, 0u);
}

TEST_F(IntakeTest, AFamilyThatIsOffIsNotFound) {
  EXPECT_EQ(Submit("json", "{}")->ids.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(intake_->Families(), SizeIs(2));
}

TEST(IntakeMakeTest, RefusesWhatItDoesNotKnow) {
  HoldingSink sink;
  const auto make = [&](const IntakeConfig& config) {
    return Intake::Make(config, &sink, SystemClock(), SystemRandom()).status();
  };
  EXPECT_THAT(make({{"basip", {}}}).message(), HasSubstr("intake.basip"));
  EXPECT_THAT(make({{"json", {CredentialSettings()}}}).message(), HasSubstr("intake.json.token"));
  EXPECT_TRUE(make({{"json", {}}}).ok()) << "switched off";
}

TEST(IntakeMakeTest, WarnsOfWhatLetsAnybodyIn) {
  HoldingSink sink;
  const auto intake = *Intake::Make({{"panel", {{{"allow_unsigned", "true"}}}}}, &sink,
                                    SystemClock(), SystemRandom());
  EXPECT_THAT(intake->Warnings(), ElementsAre(HasSubstr("panel takes unsigned")));
}

}  // namespace
}  // namespace latchwire::edge
