#include "server/ingest/ingest_lane.h"

#include <gmock/gmock.h>

#include <deque>

#include "core/base/error.h"

namespace latchwire {
namespace {

absl::Status Stale() {
  return MakeError(absl::StatusCode::kAborted, "STALE_GENERATION", "webhooks changed");
}
absl::Status Gap() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "SEQUENCE_GAP", "gap");
}
absl::Status Full() {
  return WithRetryAfter(MakeError(absl::StatusCode::kResourceExhausted, "OVERLOADED", "full"),
                        absl::Milliseconds(700));
}

LaneItem Batch(uint64_t first, uint64_t last) {
  AppendFromAgent append;
  append.first_sequence = first;
  append.last_sequence = last;
  LaneItem item;
  item.first = first;
  item.last = last;
  item.bytes = 10 * (last - first + 1);
  item.write = std::move(append);
  return item;
}

// A lane with a writer behind it that answers in order, as the real one does.
class LaneWriter {
 public:
  explicit LaneWriter(uint64_t durable = 0) : lane(durable) {}

  // The first sequences of what went to the writer.
  std::vector<uint64_t> SubmitAll() {
    std::vector<uint64_t> firsts;
    while (auto next = lane.Next()) {
      firsts.push_back(std::get<AppendFromAgent>(next->write).first_sequence);
      in_writer_.push_back(*std::move(next));
    }
    return firsts;
  }
  IngestLane::Verdict Answer(const absl::Status& status) {
    IngestLane::Submission submission = std::move(in_writer_.front());
    in_writer_.pop_front();
    return lane.OnDone(submission.id, std::move(submission.write), status);
  }

  IngestLane lane;

 private:
  std::deque<IngestLane::Submission> in_writer_;
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(IngestLaneTest, SeveralBatchesAreInTheWriterAtOnceAndAckedInOrder) {
  LaneWriter writer;
  EXPECT_TRUE(writer.lane.Offer(Batch(1, 10)));
  EXPECT_TRUE(writer.lane.Offer(Batch(11, 20)));
  EXPECT_THAT(writer.SubmitAll(), ElementsAre(1, 11));
  EXPECT_EQ(writer.lane.outstanding(), 2u);
  EXPECT_EQ(writer.lane.events(), 20u);
  EXPECT_EQ(writer.lane.bytes(), 200u);
  EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  EXPECT_EQ(writer.lane.durable(), 10u);
  EXPECT_TRUE(writer.lane.Offer(Batch(21, 30)));
  EXPECT_THAT(writer.SubmitAll(), ElementsAre(21));
  EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  EXPECT_EQ(writer.lane.durable(), 30u);
  EXPECT_EQ(writer.lane.outstanding(), 0u);
  EXPECT_EQ(writer.lane.events(), 0u);
  EXPECT_EQ(writer.lane.bytes(), 0u);
}

TEST(IngestLaneTest, RejectedEventsAreToldWithTheirBatch) {
  LaneWriter writer;
  LaneItem item = Batch(1, 2);
  item.rejected.push_back({2, "FIELD_INVALID", "bad"});
  writer.lane.Offer(std::move(item));
  writer.SubmitAll();
  EXPECT_TRUE(writer.Answer(Stale()).rejected.empty());
  writer.SubmitAll();
  const IngestLane::Verdict verdict = writer.Answer(absl::OkStatus());
  ASSERT_EQ(verdict.rejected.size(), 1u);
  EXPECT_EQ(verdict.rejected[0].sequence, 2u);
}

TEST(IngestLaneTest, StaleBatchesAreSubmittedAgainInOrderOnceAllAreBack) {
  LaneWriter writer;
  writer.lane.Offer(Batch(1, 10));
  writer.lane.Offer(Batch(11, 20));
  writer.lane.Offer(Batch(21, 30));
  writer.SubmitAll();
  EXPECT_FALSE(writer.Answer(Stale()).ack);
  EXPECT_THAT(writer.SubmitAll(), IsEmpty());
  // Matched against the new configuration, so only the gap hinders it.
  EXPECT_TRUE(writer.Answer(Gap()).failure.ok());
  writer.lane.Offer(Batch(31, 40));
  EXPECT_THAT(writer.SubmitAll(), IsEmpty());
  EXPECT_TRUE(writer.Answer(Stale()).failure.ok());
  EXPECT_THAT(writer.SubmitAll(), ElementsAre(1, 11, 21, 31));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  EXPECT_EQ(writer.lane.durable(), 40u);
  EXPECT_EQ(writer.lane.events(), 0u);
}

TEST(IngestLaneTest, OneBehindAStaleDuplicateMaySucceed) {
  LaneWriter writer(10);
  writer.lane.Offer(Batch(1, 10));
  writer.lane.Offer(Batch(11, 20));
  writer.SubmitAll();
  writer.Answer(Stale());
  EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  EXPECT_EQ(writer.lane.durable(), 20u);
  EXPECT_THAT(writer.SubmitAll(), ElementsAre(1));
  EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  EXPECT_EQ(writer.lane.durable(), 20u);
  EXPECT_EQ(writer.lane.events(), 0u);
}

TEST(IngestLaneTest, EndlessStalenessRefusesInsteadOfSpinning) {
  LaneWriter writer;
  writer.lane.Offer(Batch(1, 10));
  IngestLane::Verdict verdict;
  int tries = 0;
  while (!verdict.retry_after && tries < 100) {
    ASSERT_THAT(writer.SubmitAll(), ElementsAre(1));
    verdict = writer.Answer(Stale());
    ++tries;
  }
  EXPECT_TRUE(verdict.retry_after.has_value());
  EXPECT_LT(tries, 100);
}

TEST(IngestLaneTest, RealGapEndsTheStream) {
  LaneWriter writer;
  writer.lane.Offer(Batch(5, 10));
  writer.SubmitAll();
  EXPECT_EQ(ReasonOf(writer.Answer(Gap()).failure), "SEQUENCE_GAP");
}

TEST(IngestLaneTest, ARefusedLaneIgnoresAllUntilTheCursorComesAgain) {
  LaneWriter writer;
  writer.lane.Offer(Batch(1, 10));
  writer.lane.Offer(Batch(11, 20));
  writer.SubmitAll();
  EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  writer.lane.Offer(Batch(21, 30));
  writer.SubmitAll();
  const IngestLane::Verdict verdict = writer.Answer(Full());
  EXPECT_TRUE(verdict.ack);
  EXPECT_EQ(verdict.retry_after, absl::Milliseconds(700));
  EXPECT_TRUE(verdict.failure.ok());
  EXPECT_EQ(writer.lane.durable(), 10u);
  EXPECT_EQ(writer.lane.events(), 0u);
  // What the agent sent before it knew.
  EXPECT_FALSE(writer.lane.Offer(Batch(31, 40)));
  EXPECT_THAT(writer.SubmitAll(), IsEmpty());
  // And again from the cursor; only then does the old third batch come back, with a gap.
  EXPECT_TRUE(writer.lane.Offer(Batch(11, 15)));
  EXPECT_THAT(writer.SubmitAll(), ElementsAre(11));
  const IngestLane::Verdict old = writer.Answer(Gap());
  EXPECT_TRUE(old.failure.ok());
  EXPECT_FALSE(old.ack);
  EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  EXPECT_EQ(writer.lane.durable(), 15u);
  EXPECT_TRUE(writer.lane.Offer(Batch(16, 40)));
}

TEST(IngestLaneTest, OneRefusalIsToldOnce) {
  LaneWriter writer;
  writer.lane.Offer(Batch(1, 10));
  writer.lane.Offer(Batch(11, 20));
  writer.SubmitAll();
  EXPECT_TRUE(writer.Answer(Full()).retry_after.has_value());
  const IngestLane::Verdict second = writer.Answer(Full());
  EXPECT_FALSE(second.ack);
  EXPECT_FALSE(second.retry_after.has_value());
  EXPECT_EQ(writer.lane.outstanding(), 0u);
}

TEST(IngestLaneTest, AForgottenBatchThatWasStoredAfterAllMovesTheCursor) {
  LaneWriter writer(10);
  writer.lane.Offer(Batch(5, 10));
  writer.lane.Offer(Batch(11, 20));
  writer.SubmitAll();
  writer.Answer(Full());
  EXPECT_TRUE(writer.Answer(absl::OkStatus()).ack);
  EXPECT_EQ(writer.lane.durable(), 20u);
  EXPECT_TRUE(writer.lane.Offer(Batch(21, 30)));
}

TEST(IngestLaneTest, ADroppedRunTakesNoRoomHoweverLong) {
  IngestLane lane(0);
  LaneItem item;
  item.first = 1;
  item.last = 1'000'000'000;
  RecordDropped dropped;
  dropped.to = item.last;
  item.write = std::move(dropped);
  EXPECT_TRUE(lane.Offer(std::move(item)));
  EXPECT_EQ(lane.events(), 1u);
  auto next = lane.Next();
  ASSERT_TRUE(next.has_value());
  EXPECT_TRUE(lane.OnDone(next->id, std::move(next->write), absl::OkStatus()).ack);
  EXPECT_EQ(lane.durable(), 1'000'000'000u);
  EXPECT_EQ(lane.events(), 0u);
}

TEST(IngestLaneTest, AFullQueueAndAQuotaOnlyHoldTheAgentBack) {
  for (const char* reason : {"QUEUE_FULL", "QUOTA_EXCEEDED"}) {
    LaneWriter writer;
    ASSERT_TRUE(writer.lane.Offer(Batch(1, 2)));
    writer.SubmitAll();
    const IngestLane::Verdict verdict = writer.Answer(WithRetryAfter(
        MakeError(absl::StatusCode::kResourceExhausted, reason, "full"), absl::Seconds(5)));
    EXPECT_TRUE(verdict.ack) << reason;
    EXPECT_TRUE(verdict.failure.ok()) << reason;
    EXPECT_EQ(verdict.retry_after, absl::Seconds(5)) << reason;
    EXPECT_FALSE(writer.lane.Offer(Batch(3, 4))) << reason;
    EXPECT_TRUE(writer.lane.Offer(Batch(1, 2))) << reason;
  }
}

LaneItem FilledBatch(uint64_t first, uint64_t last) {
  LaneItem item = Batch(first, last);
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    auto& append = std::get<AppendFromAgent>(item.write);
    append.events.emplace_back();
    append.sequences.push_back({sequence, 0});
  }
  return item;
}

// Sequence 2 of 1 to 5 was rejected at the entrance.
TEST(IngestLaneTest, ABatchThatDoesNotFitGoesInParts) {
  const absl::Status full = MakeError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "full");
  LaneWriter writer;
  LaneItem batch = FilledBatch(1, 5);
  auto& append = std::get<AppendFromAgent>(batch.write);
  append.events.erase(append.events.begin() + 1);
  append.sequences.erase(append.sequences.begin() + 1);
  batch.rejected.push_back({2, "FIELD_INVALID", ""});
  ASSERT_TRUE(writer.lane.Offer(std::move(batch)));
  ASSERT_TRUE(writer.lane.Offer(FilledBatch(6, 7)));
  EXPECT_THAT(writer.SubmitAll(), ElementsAre(1, 6));
  EXPECT_FALSE(writer.Answer(full).ack);
  EXPECT_THAT(writer.SubmitAll(), IsEmpty());  // the other is still there
  EXPECT_FALSE(writer.Answer(Gap()).ack);
  EXPECT_EQ(writer.lane.events(), 7u);
  EXPECT_EQ(writer.lane.bytes(), 70u);

  EXPECT_THAT(writer.SubmitAll(), ElementsAre(1, 4, 6));  // 1 and 3; 4 and 5
  const IngestLane::Verdict stored = writer.Answer(absl::OkStatus());
  EXPECT_TRUE(stored.ack);
  ASSERT_EQ(stored.rejected.size(), 1u);
  EXPECT_EQ(writer.lane.durable(), 3u);
  writer.Answer(full);
  writer.Answer(Gap());
  EXPECT_THAT(writer.SubmitAll(), ElementsAre(4, 5, 6));
  writer.Answer(absl::OkStatus());
  EXPECT_EQ(writer.lane.durable(), 4u);
  // A single one cannot be halved: the agent has to wait.
  EXPECT_TRUE(writer.Answer(full).retry_after.has_value());
  EXPECT_EQ(writer.lane.events(), 0u);
  EXPECT_FALSE(writer.lane.Offer(FilledBatch(8, 9)));
  EXPECT_TRUE(writer.lane.Offer(FilledBatch(5, 5)));
}

}  // namespace
}  // namespace latchwire
