// What is on its way from one lane of an agent's stream to the store, in order.
//
// Several batches are in the writer at once. What can go wrong with one of them, and what it means
// for those behind it:
//  - STALE_GENERATION: webhooks changed since it was matched. Those behind it then fail too (the
//    same way, or with SEQUENCE_GAP). When all have come back, they are submitted again in order.
//  - QUEUE_FULL, QUOTA_EXCEEDED of a batch: a part of it may fit, so it is halved and goes again,
//  in the same way as above.
//  - OVERLOADED, STORE_UNAVAILABLE, and those of a single event: the lane is refused. Everything of
//  it is forgotten, and what
//    still comes in is ignored, until the agent, told by the ack, begins again at the cursor.
//  - anything else ends the stream.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/store/mutations/agents.h"

namespace latchwire {

struct RejectedEvent {
  uint64_t sequence = 0;
  std::string reason;
  std::string detail;
};

using LaneWrite = std::variant<AppendFromAgent, RecordDropped>;

// A batch of events or a run of dropped sequences.
struct LaneItem {
  LaneWrite write;
  uint64_t first = 0;
  uint64_t last = 0;
  size_t bytes = 0;
  std::vector<RejectedEvent> rejected;
};

// Not thread-safe.
class IngestLane {
 public:
  explicit IngestLane(uint64_t durable) : durable_(durable) {}

  // False when the lane is refused and `item` is not where it has to begin again: ignore it.
  bool Offer(LaneItem item);

  struct Submission {
    uint64_t id = 0;
    LaneWrite write;
  };
  // What goes to the writer next; nothing when there is nothing or it has to wait. Targets are
  // to be matched when it is submitted, not before.
  std::optional<Submission> Next();

  // Events in what Next would give; 0 when that is nothing or no events.
  size_t NextEvents() const;
  // Forgets everything, also what is in the writer, as if it were refused.
  void Drop();

  struct Verdict {
    bool ack = false;  // through `durable()`, with:
    std::vector<RejectedEvent> rejected;
    std::optional<absl::Duration> retry_after;
    absl::Status failure;  // ends the stream
  };
  // A submission came back, with the status of its result.
  Verdict OnDone(uint64_t id, LaneWrite write, const absl::Status& status);

  // The last sequence known to be durable.
  uint64_t durable() const { return durable_; }
  size_t outstanding() const { return outstanding_; }
  // Waiting or in the writer.
  size_t events() const { return events_; }
  size_t bytes() const { return bytes_; }

 private:
  struct Item : LaneItem {
    uint64_t id = 0;
    bool done = false;
    bool halve = false;  // before it is submitted again
    int rematches = 0;
  };

  static Item SplitOff(Item& item);  // takes its second half
  void Redo();
  Verdict Refuse(const absl::Status& status);
  void Forget(const Item& item);

  uint64_t durable_;
  std::deque<Item> items_;  // of consecutive ids
  uint64_t next_id_ = 1;
  size_t next_ = 0;         // index of the first that is not in the writer
  size_t outstanding_ = 0;  // those of items_ that are in the writer
  bool redo_ = false;       // wait until all are back, then submit again
  bool refused_ = false;
  size_t events_ = 0;
  size_t bytes_ = 0;
};

}  // namespace latchwire
