// Streams the spool to the server, and never stops trying.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/backoff.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/random.h"
#include "edge-agent/spool/spool.h"
#include "edge-agent/uplink/ingest_stream.h"
#include "edge-agent/uplink/set_aside.h"

namespace latchwire::edge {

struct UplinkOptions {
  std::string agent;    // the name that the key is bound to
  std::string version;  // of this software
  absl::Duration first_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(30);
  // A stream is given up when the server owes an answer for this long.
  absl::Duration answer_timeout = absl::Seconds(60);
  // Write to the operator's log. Called on the executor.
  std::function<void(absl::string_view)> info = [](absl::string_view) {};
  std::function<void(absl::string_view)> warn = [](absl::string_view) {};
};

struct UplinkStats {
  bool connected = false;  // the server has said welcome
  // The server refused the last batch and said when to send it again.
  bool told_to_wait = false;
  // Why the last stream ended, if it broke; kept until the next welcome.
  std::string error;         // for people
  std::string error_reason;  // of the API, such as API_KEY_INVALID; may be empty
  uint64_t connects = 0;
  uint64_t sent_events = 0;
  uint64_t acked_events = 0;
  uint64_t rejected_events = 0;  // set aside
  uint64_t dropped_events = 0;   // reported to the server as never to come
  uint64_t rescued_events = 0;   // got new numbers, because a copy of the spool used theirs
};

// A stream carries one epoch of the spool; the oldest epoch that holds records goes first. Each
// batch is of one lane. Urgent lanes go first, except that every eighth turn goes to the others, and
// a quarter of the window is kept for lane 3. The constructor, Start, Stop and Stats may be called
// from any thread; the rest runs on `executor`, which must have stopped before the uplink is
// destroyed.
class Uplink {
 public:
  // Sets the spool's listener.
  Uplink(UplinkOptions options, Spool* spool, IngestConnector* connector, SetAside* set_aside,
         Executor* executor, const Clock* clock, Random* random);
  ~Uplink();

  void Start();
  // Ends the stream permanently; unacked events stay in the spool. Calls `done` on the executor
  // once the stream can make no more callbacks.
  void Stop(absl::AnyInvocable<void()> done);

  // May be called from any thread.
  UplinkStats Stats() const;

 private:
  // Always acked <= sent <= ever_sent.
  struct Lane {
    uint64_t acked = 0;
    uint64_t sent = 0;  // the last sequence that was sent or dropped and need not be sent again
    uint64_t ever_sent = 0;  // on this stream; above `sent` when the server refused some
    absl::Duration paused_until = absl::ZeroDuration();  // monotonic
    uint64_t let_go = 0;  // acked on an earlier stream, so the spool may not hold it any more
  };

  void Connect();
  void SendHello();
  void OnMessage(agent::v1::ConnectResponse response);
  void OnWelcome(const agent::v1::Welcome& welcome);
  void OnAck(const agent::v1::Ack& ack);
  void OnDone(absl::Status status);
  // Returns the rejected records that need new numbers before `ack` may count.
  std::vector<SpoolRecord> SetAsideRejected(const agent::v1::Ack& ack);

  void Pump();
  bool EpochIsOver(const std::vector<SpoolEpoch>& epochs) const;
  // The lane to send from next, -1 for none.
  int PickLane(const SpoolEpoch& epoch);
  void SendFrom(int lane, uint64_t last_held);
  void SendDropped(int lane, uint64_t from, uint64_t to, absl::string_view reason);
  void Write(agent::v1::ConnectRequest request);

  // The server has numbers of our epoch that we never sent, so a copy of the spool did: gives our
  // records new ones.
  void StartRescue(const agent::v1::Welcome& welcome);
  void Rescue(uint64_t epoch, int lane, uint64_t after);
  void RescueConflict(const std::map<std::string, std::string>& metadata);
  // Gives records new numbers; `then` is called on the executor.
  void AppendAnew(std::vector<SpoolRecord> records, absl::AnyInvocable<void(absl::Status)> then);
  void Watch();
  int64_t Unacked() const;
  void DcheckLane(int lane) const;
  void GiveUp(absl::string_view why);

  const UplinkOptions options_;
  Spool* const spool_;
  IngestConnector* const connector_;
  SetAside* const set_aside_;
  Executor* const executor_;
  const Clock* const clock_;
  Backoff backoff_;

  // Used on the executor only.
  bool stopping_ = false;
  absl::AnyInvocable<void()> stopped_;
  std::shared_ptr<IngestStream> stream_;  // null between streams
  uint64_t stream_number_ = 0;            // tells late callbacks and timers of older streams
  uint64_t epoch_ = 0;                    // that the stream carries
  bool welcomed_ = false;
  bool writing_ = false;
  bool finishing_ = false;
  absl::Duration owed_since_ = absl::ZeroDuration();
  std::array<Lane, kSpoolLanes> lanes_;
  uint64_t turn_ = 0;
  int max_batch_events_ = 1;
  int max_batch_bytes_ = 1;
  int max_unacked_events_ = 1;
  int rescues_ = 0;         // in flight; no stream begins until they are done
  uint64_t own_epoch_ = 0;  // the spool's current epoch
  // The last sequences of own_epoch_ that this process or an earlier one may have sent. A server that
  // has more got it from a copy of this spool.
  LaneSequences maybe_sent_{};

  mutable Mutex mutex_;
  bool pump_posted_ ABSL_GUARDED_BY(mutex_) = false;
  UplinkStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace latchwire::edge
