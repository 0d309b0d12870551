// Agents' streams: cursors, duplicates, gaps, conflicts, fencing, declared drops.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using Result = NewEvent::Result;

std::vector<Result> ResultsOf(const AppendEvents& append) {
  std::vector<Result> results;
  for (const NewEvent& event : append.events) results.push_back(event.result);
  return results;
}

OpenAgentStream Opening(const std::string& agent, uint64_t epoch) {
  OpenAgentStream open;
  open.tenant = kDefaultTenant;
  open.agent = agent;
  open.epoch = epoch;
  return open;
}

RecordDropped Dropping(const AgentStream& stream, int lane, uint64_t from, uint64_t to) {
  RecordDropped dropped;
  dropped.tenant = kDefaultTenant;
  dropped.stream = stream;
  dropped.lane = lane;
  dropped.from = from;
  dropped.to = to;
  dropped.reason = "disk full";
  return dropped;
}

TEST_P(StoreConformanceTest, AgentsResendHarmlessly) {
  const AgentStream stream = OpenStream("a1", 0xffffffffffffffff);
  EXPECT_THAT(ResultsOf(Apply(Streaming(stream, 1, {1, 2, 3}))),
              ElementsAre(Result::kStored, Result::kStored, Result::kStored));
  const AppendEvents again = Apply(Streaming(stream, 1, {2, 3, 4}));
  EXPECT_EQ(again.status, absl::OkStatus());
  EXPECT_THAT(ResultsOf(again),
              ElementsAre(Result::kDuplicate, Result::kDuplicate, Result::kStored));
  EXPECT_EQ(again.events[0].event->number, 0);
  EXPECT_EQ(again.events[2].event->number, 4);
  // Wholly old batches do not move the cursor back.
  EXPECT_THAT(ResultsOf(Apply(Streaming(stream, 1, {1}))), ElementsAre(Result::kDuplicate));
  Reopen();
  const OpenAgentStream open = Apply(Opening("a1", 0xffffffffffffffff));
  EXPECT_THAT(open.through, ElementsAre(0, 4, 0, 0));
}

TEST_P(StoreConformanceTest, CursorsAreKeptPerEpochLaneAgentAndTenant) {
  const AgentStream stream = OpenStream("a1", 5);
  Apply(Streaming(stream, 0, {1, 2}));
  Apply(Streaming(stream, 3, {1}));
  Apply(Streaming(OpenStream("a2", 5), 0, {1}));
  EXPECT_THAT(Apply(Opening("a1", 5)).through, ElementsAre(2, 0, 0, 1));
  EXPECT_THAT(Apply(Opening("a2", 5)).through, ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(Apply(Opening("a1", 6)).through, ElementsAre(0, 0, 0, 0));
  OpenAgentStream elsewhere = Opening("a1", 5);
  elsewhere.tenant = 2;
  EXPECT_THAT(Apply(elsewhere).through, ElementsAre(0, 0, 0, 0));
  // An epoch that comes back finds its cursors.
  EXPECT_THAT(Apply(Opening("a1", 5)).through, ElementsAre(2, 0, 0, 1));
}

TEST_P(StoreConformanceTest, AGapIsShown) {
  const AgentStream stream = OpenStream("a1", 1);
  AppendEvents gap = Apply(Streaming(stream, 2, {2, 3}));
  EXPECT_THAT(gap.status, HasReason("SEQUENCE_GAP"));
  EXPECT_EQ(MetadataOf(gap.status)["lane"], "2");
  EXPECT_EQ(MetadataOf(gap.status)["expected"], "1");
  EXPECT_THAT(ResultsOf(gap), ElementsAre(Result::kNotStored, Result::kNotStored));
  Apply(Streaming(stream, 2, {1, 2}));
  gap = Apply(Streaming(stream, 2, {4}));
  EXPECT_THAT(gap.status, HasReason("SEQUENCE_GAP"));
  EXPECT_EQ(MetadataOf(gap.status)["expected"], "3");
  EXPECT_EQ(Apply(Streaming(stream, 2, {3, 4})).status, absl::OkStatus());
  EXPECT_THAT(Publish({{}}), ElementsAre(5));
}

TEST_P(StoreConformanceTest, RejectedEventsLieInBetween) {
  const AgentStream stream = OpenStream("a1", 1);
  // 1, 3 and 5 were rejected at the entrance.
  AppendEvents append = Streaming(stream, 0, {2, 4});
  append.first_sequence = 1;
  append.cursor_through = 5;
  EXPECT_THAT(ResultsOf(Apply(append)), ElementsAre(Result::kStored, Result::kStored));
  EXPECT_EQ(Apply(Opening("a1", 1)).through[0], 5);
  const AgentStream next = OpenStream("a1", 1);
  AppendEvents all_rejected = Streaming(next, 0, {});
  all_rejected.first_sequence = 6;
  all_rejected.cursor_through = 8;
  EXPECT_EQ(Apply(all_rejected).status, absl::OkStatus());
  EXPECT_EQ(Apply(Opening("a1", 1)).through[0], 8);
  AppendEvents gap = Streaming(OpenStream("a1", 1), 0, {});
  gap.first_sequence = 10;
  gap.cursor_through = 10;
  EXPECT_THAT(Apply(gap).status, HasReason("SEQUENCE_GAP"));
}

TEST_P(StoreConformanceTest, TheEventAtTheCursorMustBeTheSame) {
  const AgentStream stream = OpenStream("a1", 1);
  Apply(Streaming(stream, 0, {1, 2}));
  AppendEvents other = Streaming(stream, 0, {2, 3});
  other.events[0].checksum = 77;
  other = Apply(other);
  EXPECT_THAT(other.status, HasReason("SEQUENCE_CONFLICT"));
  EXPECT_EQ(MetadataOf(other.status)["sequence"], "2");
  EXPECT_THAT(ResultsOf(other), ElementsAre(Result::kNotStored, Result::kNotStored));
  // Nothing is known of the checksum of a sequence that was rejected.
  AppendEvents rejected = Streaming(stream, 0, {3});
  rejected.cursor_through = 4;
  EXPECT_EQ(Apply(rejected).status, absl::OkStatus());
  AppendEvents resent = Streaming(stream, 0, {4, 5});
  resent.events[0].checksum = 78;
  EXPECT_THAT(ResultsOf(Apply(resent)), ElementsAre(Result::kDuplicate, Result::kStored));
}

TEST_P(StoreConformanceTest, ANewerStreamFencesTheOlder) {
  const AgentStream old_stream = OpenStream("a1", 1);
  const AgentStream bystander = OpenStream("a2", 1);
  Apply(Streaming(old_stream, 0, {1}));
  const auto other_handle = OpenAnother();
  const OpenAgentStream open = ApplyTo(*other_handle, Opening("a1", 2));
  EXPECT_GT(open.fence, old_stream.fence);
  EXPECT_THAT(Apply(Streaming(old_stream, 0, {2})).status, HasReason("AGENT_STREAM_FENCED"));
  EXPECT_THAT(Apply(Dropping(old_stream, 0, 2, 3)).status, HasReason("AGENT_STREAM_FENCED"));
  EXPECT_EQ(Apply(Streaming({"a1", 2, open.fence}, 0, {1})).status, absl::OkStatus());
  EXPECT_EQ(Apply(Streaming(bystander, 0, {1})).status, absl::OkStatus());
  EXPECT_THAT(Apply(Streaming({"unknown", 1, 1}, 0, {1})).status, HasReason("AGENT_STREAM_FENCED"));
  Reopen();
  EXPECT_GT(OpenStream("a1", 2).fence, open.fence);
}

TEST_P(StoreConformanceTest, DeclaredDropsMoveTheCursor) {
  const AgentStream stream = OpenStream("a1", 1);
  Apply(Streaming(stream, 0, {1}));
  EXPECT_THAT(Apply(Dropping(stream, 0, 3, 9)).status, HasReason("SEQUENCE_GAP"));
  EXPECT_EQ(Apply(Dropping(stream, 0, 2, 9)).status, absl::OkStatus());
  EXPECT_EQ(Apply(Dropping(stream, 0, 2, 9)).status, absl::OkStatus());  // again: harmless
  EXPECT_EQ(Apply(Dropping(stream, 0, 1, 5)).status, absl::OkStatus());
  EXPECT_THAT(Apply(Streaming(stream, 0, {9, 10})).status, absl::OkStatus());
  EXPECT_EQ(Apply(Opening("a1", 1)).through[0], 10);
}

TEST_P(StoreConformanceTest, AStaleGenerationMovesNoCursor) {
  const AgentStream stream = OpenStream("a1", 1);
  AppendEvents append = Streaming(stream, 0, {1});
  MakeWebhook();
  EXPECT_THAT(Apply(append).status, HasReason("STALE_GENERATION"));
  EXPECT_EQ(Apply(Streaming(stream, 0, {1})).status, absl::OkStatus());
}

TEST_P(StoreConformanceTest, BatchesOfOneWriteSeeEachOther) {
  const AgentStream stream = OpenStream("a1", 1);
  Mutation mutations[] = {Streaming(stream, 0, {1, 2}), Streaming(stream, 0, {2, 3}),
                          Streaming(stream, 0, {4})};
  ASSERT_EQ(store().Write(absl::MakeSpan(mutations)), absl::OkStatus());
  EXPECT_THAT(ResultsOf(std::get<AppendEvents>(mutations[1])),
              ElementsAre(Result::kDuplicate, Result::kStored));
  EXPECT_THAT(ResultsOf(std::get<AppendEvents>(mutations[2])), ElementsAre(Result::kStored));
  EXPECT_EQ(Apply(Opening("a1", 1)).through[0], 4);
}

}  // namespace
}  // namespace latchwire
