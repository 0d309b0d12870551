#include "server/store/driver/agent_rules.h"

#include "core/base/error.h"
#include "gtest/gtest.h"

namespace latchwire {
namespace {

// A batch of these sequences, each with itself as its checksum.
AppendFromAgent Batch(std::vector<uint64_t> sequences) {
  AppendFromAgent append;
  append.lane = 2;
  for (const uint64_t sequence : sequences) {
    append.events.emplace_back();
    append.sequences.push_back({sequence, static_cast<uint32_t>(sequence)});
  }
  if (!sequences.empty()) {
    append.first_sequence = sequences.front();
    append.last_sequence = sequences.back();
  }
  return append;
}

TEST(AgentRulesTest, OnlyTheNewestStreamSpeaks) {
  const AgentStream stream{"gate", 1, 5};
  EXPECT_TRUE(CheckStream(stream, 5).ok());
  EXPECT_EQ(ReasonOf(CheckStream(stream, 6)), "AGENT_STREAM_FENCED");
  EXPECT_EQ(ReasonOf(CheckStream(stream, std::nullopt)), "AGENT_STREAM_FENCED");
}

TEST(AgentRulesTest, ABatchBeginsAtTheCursorOrBefore) {
  const AgentCursor cursor{10, std::nullopt};
  EXPECT_TRUE(CheckSequences(Batch({11, 12}), cursor).ok());
  EXPECT_TRUE(CheckSequences(Batch({3, 4}), cursor).ok());
  const absl::Status gap = CheckSequences(Batch({12}), cursor);
  EXPECT_EQ(ReasonOf(gap), "SEQUENCE_GAP");
  EXPECT_EQ(MetadataOf(gap).at("expected"), "11");
  EXPECT_EQ(MetadataOf(gap).at("lane"), "2");
  // One whose first events were rejected begins before them.
  AppendFromAgent rejected = Batch({13});
  rejected.first_sequence = 11;
  EXPECT_TRUE(CheckSequences(rejected, cursor).ok());
}

TEST(AgentRulesTest, SequencesAscend) {
  EXPECT_EQ(CheckSequences(Batch({1, 1}), {}).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(CheckSequences(Batch({0}), {}).code(), absl::StatusCode::kInternal);
}

TEST(AgentRulesTest, TheEventAtTheCursorMustBeTheSame) {
  EXPECT_TRUE(CheckSequences(Batch({9, 10}), {10, 10}).ok());
  EXPECT_EQ(ReasonOf(CheckSequences(Batch({9, 10}), {10, 11})), "SEQUENCE_CONFLICT");
  EXPECT_TRUE(CheckSequences(Batch({9}), {10, 11}).ok());
}

TEST(AgentRulesTest, RepeatedEventsAreThoseUpToTheCursor) {
  const AppendFromAgent append = Batch({3, 5, 7});
  EXPECT_EQ(CountRepeated(append, {2, std::nullopt}), 0u);
  EXPECT_EQ(CountRepeated(append, {5, std::nullopt}), 2u);
  EXPECT_EQ(CountRepeated(append, {6, std::nullopt}), 2u);
  EXPECT_EQ(CountRepeated(append, {9, std::nullopt}), 3u);
}

TEST(AgentRulesTest, TheCursorNeverMovesBack) {
  const AgentCursor cursor{5, 5};
  EXPECT_EQ(CursorAfter(Batch({4, 6}), cursor), (AgentCursor{6, 6}));
  EXPECT_EQ(CursorAfter(Batch({3, 4}), cursor), cursor);
  // What was rejected at the end leaves no checksum.
  AppendFromAgent rejected = Batch({6});
  rejected.last_sequence = 8;
  EXPECT_EQ(CursorAfter(rejected, cursor), (AgentCursor{8, std::nullopt}));
}

TEST(AgentRulesTest, ADropMovesTheCursorPastIt) {
  RecordDropped dropped;
  dropped.from = 6;
  dropped.to = 9;
  EXPECT_EQ(CursorAfter(dropped, {5, 5}).value(), (AgentCursor{9, std::nullopt}));
  EXPECT_EQ(CursorAfter(dropped, {9, 9}).value(), (AgentCursor{9, 9}));
  EXPECT_EQ(ReasonOf(CursorAfter(dropped, {4, 4}).status()), "SEQUENCE_GAP");
}

}  // namespace
}  // namespace latchwire
