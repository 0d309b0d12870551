// Agents' streams: cursors, duplicates, gaps, conflicts, fencing, declared drops.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

using testing::ElementsAre;
using Kind = AppendResult::Kind;

std::vector<Kind> KindsOf(const AppendResult& append) {
  std::vector<Kind> kinds;
  for (const AppendResult::OfEvent& event : append.events) kinds.push_back(event.kind);
  return kinds;
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
  EXPECT_THAT(KindsOf(Apply(Streaming(stream, 1, {1, 2, 3}))),
              ElementsAre(Kind::kStored, Kind::kStored, Kind::kStored));
  const auto again = Apply(Streaming(stream, 1, {2, 3, 4}));
  EXPECT_EQ(again.status, absl::OkStatus());
  EXPECT_THAT(KindsOf(again), ElementsAre(Kind::kDuplicate, Kind::kDuplicate, Kind::kStored));
  EXPECT_EQ(again.events[0].number, 0);
  EXPECT_EQ(again.events[2].number, 4);
  // Wholly old batches do not move the cursor back.
  EXPECT_THAT(KindsOf(Apply(Streaming(stream, 1, {1}))), ElementsAre(Kind::kDuplicate));
  Reopen();
  const auto open = Apply(Opening("a1", 0xffffffffffffffff));
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
  auto gap = Apply(Streaming(stream, 2, {2, 3}));
  EXPECT_THAT(gap.status, HasReason("SEQUENCE_GAP"));
  EXPECT_EQ(MetadataOf(gap.status)["lane"], "2");
  EXPECT_EQ(MetadataOf(gap.status)["expected"], "1");
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
  AppendFromAgent append = Streaming(stream, 0, {2, 4});
  append.first_sequence = 1;
  append.last_sequence = 5;
  EXPECT_THAT(KindsOf(Apply(append)), ElementsAre(Kind::kStored, Kind::kStored));
  EXPECT_EQ(Apply(Opening("a1", 1)).through[0], 5);
  const AgentStream next = OpenStream("a1", 1);
  AppendFromAgent all_rejected = Streaming(next, 0, {});
  all_rejected.first_sequence = 6;
  all_rejected.last_sequence = 8;
  EXPECT_EQ(Apply(all_rejected).status, absl::OkStatus());
  EXPECT_EQ(Apply(Opening("a1", 1)).through[0], 8);
  AppendFromAgent gap = Streaming(OpenStream("a1", 1), 0, {});
  gap.first_sequence = 10;
  gap.last_sequence = 10;
  EXPECT_THAT(Apply(gap).status, HasReason("SEQUENCE_GAP"));
}

TEST_P(StoreConformanceTest, TheEventAtTheCursorMustBeTheSame) {
  const AgentStream stream = OpenStream("a1", 1);
  Apply(Streaming(stream, 0, {1, 2}));
  AppendFromAgent other = Streaming(stream, 0, {2, 3});
  other.sequences[0].checksum = 77;
  const absl::Status conflict = Apply(other).status;
  EXPECT_THAT(conflict, HasReason("SEQUENCE_CONFLICT"));
  EXPECT_EQ(MetadataOf(conflict)["sequence"], "2");
  // Nothing is known of the checksum of a sequence that was rejected.
  AppendFromAgent rejected = Streaming(stream, 0, {3});
  rejected.last_sequence = 4;
  EXPECT_EQ(Apply(rejected).status, absl::OkStatus());
  AppendFromAgent resent = Streaming(stream, 0, {4, 5});
  resent.sequences[0].checksum = 78;
  EXPECT_THAT(KindsOf(Apply(resent)), ElementsAre(Kind::kDuplicate, Kind::kStored));
}

TEST_P(StoreConformanceTest, ANewerStreamFencesTheOlder) {
  const AgentStream old_stream = OpenStream("a1", 1);
  const AgentStream bystander = OpenStream("a2", 1);
  Apply(Streaming(old_stream, 0, {1}));
  const auto other_handle = OpenAnother();
  const auto open = ApplyTo(*other_handle, Opening("a1", 2));
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
  AppendFromAgent append = Streaming(stream, 0, {1});
  MakeWebhook();
  EXPECT_THAT(Apply(append).status, HasReason("STALE_GENERATION"));
  EXPECT_EQ(Apply(Streaming(stream, 0, {1})).status, absl::OkStatus());
}

TEST_P(StoreConformanceTest, BatchesOfOneWriteSeeEachOther) {
  const AgentStream stream = OpenStream("a1", 1);
  const auto mutations = WriteAll(
      {Streaming(stream, 0, {1, 2}), Streaming(stream, 0, {2, 3}), Streaming(stream, 0, {4})});
  EXPECT_THAT(KindsOf(ResultOf<AppendFromAgent>(mutations[1])),
              ElementsAre(Kind::kDuplicate, Kind::kStored));
  EXPECT_THAT(KindsOf(ResultOf<AppendFromAgent>(mutations[2])), ElementsAre(Kind::kStored));
  EXPECT_EQ(Apply(Opening("a1", 1)).through[0], 4);
}

}  // namespace
}  // namespace latchwire
