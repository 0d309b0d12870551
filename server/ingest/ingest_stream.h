// One agent's stream, as a state machine between gRPC's callbacks and the writer's.
//
// hello -> OpenAgentStream -> welcome -> batches in, acks out. Reading stops while too much is
// unacked; what is read next is then up to the agent's flow control. That is also how the tenant's
// quota of events slows an agent: what is beyond it waits here. All gRPC operations are started
// under the mutex: gRPC 1.51 never runs a reactor's callbacks from inside of them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/base/mutex.h"
#include "latchwire/agent/v1/ingest_service.pb.h"
#include "server/api/adapter.h"
#include "server/api/world.h"
#include "server/ingest/ingest_lane.h"

namespace latchwire {

class IngestStream;

// From the start of a stream to its hello.
inline constexpr absl::Duration kHelloTimeout = absl::Seconds(30);
// A stream that waits for the tenant's quota looks this often whether it was raised.
inline constexpr absl::Duration kMaxQuotaWait = absl::Seconds(5);

// How a stream ends whose key was deleted.
absl::Status AgentKeyDeleted();

// The streams that are open on this server, and what keeps them alive. Thread-safe.
class IngestStreams {
 public:
  // Counts its streams in `calls`.
  explicit IngestStreams(ActiveCalls* calls) : calls_(*calls) {}
  void Add(std::shared_ptr<IngestStream> stream);
  void Remove(IngestStream* stream);
  // The agent's older streams here are ended; those elsewhere learn it from the store's fence.
  void FenceOlder(TenantId tenant, const std::string& agent, int64_t fence);
  void CloseKey(TenantId tenant, const std::string& key_id);
  // Ends all streams, also those to come, after what they have under way is acked.
  void Drain();

 private:
  std::vector<std::shared_ptr<IngestStream>> All() const;

  ActiveCalls& calls_;
  mutable Mutex mutex_;
  absl::flat_hash_map<IngestStream*, std::shared_ptr<IngestStream>> streams_
      ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
};

class IngestStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, agent::v1::ConnectResponse>,
                     public std::enable_shared_from_this<IngestStream> {
 public:
  // Lives in `streams` until gRPC is done with it, and longer while a write of it is under way.
  static IngestStream* Start(const ApiWorld* world, IngestStreams* streams, CallContext caller);
  IngestStream(const ApiWorld* world, IngestStreams* streams, CallContext caller)
      : world_(*world), streams_(*streams), caller_(std::move(caller)) {}

  enum class When {
    kNow,      // what is under way is not acked any more
    kDrained,  // after everything under way is acked
  };
  // Ends the stream. Any thread; the first call decides, but kNow overtakes kDrained.
  void Close(absl::Status status, When when) ABSL_LOCKS_EXCLUDED(mutex_);

  const CallContext& caller() const { return caller_; }
  int64_t fence() const ABSL_LOCKS_EXCLUDED(mutex_);  // 0 before the hello was answered

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  struct PendingAck {
    bool set = false;
    std::vector<RejectedEvent> rejected;
    std::optional<absl::Duration> retry_after;
  };

  absl::Status OnMessage(agent::v1::ConnectRequest* request, size_t bytes);
  absl::Status OnHello(const agent::v1::Hello& hello);
  absl::Status OnItem(int lane, absl::StatusOr<LaneItem> item);
  void OnOpened(const Written<OpenAgentStream>& opened, const std::vector<int>& lanes);
  void Pump();
  void Submit(int lane, uint64_t id, AppendFromAgent append);
  void Submit(int lane, uint64_t id, RecordDropped dropped);
  void OnWritten(int lane, uint64_t id, LaneWrite write, const absl::Status& status);
  void OnHelloTimeout();
  // Takes the quota for what `lane` would submit next. False when that has to wait; then Pump runs
  // again when the time has come.
  bool TakeQuota(IngestLane& lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnQuotaRefilled();
  // Events come faster than these webhooks can be served: submits nothing more until that is over,
  // but for kMaxHold at most.
  void Hold(std::vector<WebhookKey> crowded, absl::Duration held);

  void MaybeRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MaybeWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MaybeFinish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseLocked(absl::Status status, When when) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Drained() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ApiWorld& world_;
  IngestStreams& streams_;
  const CallContext caller_;

  grpc::ByteBuffer read_buffer_;  // OnReadDone's, or gRPC's while a read is under way
  bool said_hello_ = false;       // OnReadDone's
  AgentStream identity_;          // written before the first batch is read, then constant

  mutable Mutex mutex_;
  agent::v1::ConnectResponse response_ ABSL_GUARDED_BY(mutex_);
  std::optional<agent::v1::Welcome> welcome_ ABSL_GUARDED_BY(mutex_);
  std::vector<IngestLane> lanes_ ABSL_GUARDED_BY(mutex_);  // kLaneCount once opened
  std::array<PendingAck, kLaneCount> acks_ ABSL_GUARDED_BY(mutex_);
  int64_t fence_ ABSL_GUARDED_BY(mutex_) = 0;
  bool opening_ ABSL_GUARDED_BY(mutex_) = false;
  bool handling_ ABSL_GUARDED_BY(mutex_) = false;  // a message that was read
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool pumping_ ABSL_GUARDED_BY(mutex_) = false;
  bool throttled_ ABSL_GUARDED_BY(mutex_) = false;   // a timer runs until the quota is looked at
  bool held_ ABSL_GUARDED_BY(mutex_) = false;        // see Hold
  bool over_quota_ ABSL_GUARDED_BY(mutex_) = false;  // since the last submission
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> close_status_ ABSL_GUARDED_BY(mutex_);
  When close_when_ ABSL_GUARDED_BY(mutex_) = When::kDrained;
};

}  // namespace latchwire
