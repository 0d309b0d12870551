#include "server/ingest/ingest_stream.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/crash_point.h"
#include "core/base/error_reason.h"
#include "core/base/log.h"
#include "core/base/version.h"
#include "core/domain/limits.h"
#include "core/formats/format.h"
#include "server/api/append.h"
#include "server/api/time_converter.h"
#include "server/ingest/ingest_batch.h"

namespace latchwire {
namespace {

// How many rejections of a lane wait for one ack; a lane with more is not read on.
constexpr size_t kMaxWaitingRejected = 4 * kMaxBatchEvents;
// A stream is held for as long as delivery needs to catch up, looked at so often, but not longer
// than kMaxHold a batch: with batches of 512 an agent is heard at 5,000 events/s however busy we
// are.
constexpr absl::Duration kHoldStep = absl::Milliseconds(1);
constexpr absl::Duration kMaxHold = absl::Milliseconds(100);

}  // namespace

IngestStream* IngestStream::Start(const ApiWorld* world, IngestStreams* streams,
                                  CallContext caller) {
  auto stream = std::make_shared<IngestStream>(world, streams, std::move(caller));
  streams->Add(stream);
  // From here on a deleted key closes the stream; look whether it was deleted just before.
  if (!world->configuration->FindApiKey(stream->caller_.key_id)) {
    stream->Close(AgentKeyDeleted(), When::kNow);
  }
  world->executor->PostAfter(kHelloTimeout, [weak = stream->weak_from_this()] {
    if (const auto self = weak.lock()) self->OnHelloTimeout();
  });
  MutexLock lock(&stream->mutex_);
  stream->MaybeRead();
  return stream.get();
}

void IngestStream::OnHelloTimeout() {
  MutexLock lock(&mutex_);
  if (handling_ || opening_ || fence_ != 0 || close_status_) return;
  CloseLocked(
      InvalidField("hello", absl::StrCat("must come within ", absl::FormatDuration(kHelloTimeout))),
      When::kNow);
}

void IngestStream::OnReadDone(bool ok) {
  absl::Status status;
  bool handle = false;
  {
    MutexLock lock(&mutex_);
    reading_ = false;
    handle = ok && !close_status_;
    handling_ = handle;
    // The agent has said all it had to say, or is gone.
    if (!ok) CloseLocked(absl::OkStatus(), When::kDrained);
  }
  if (handle) {
    const size_t bytes = read_buffer_.Length();
    google::protobuf::ArenaOptions options;
    options.start_block_size = std::clamp<size_t>(bytes, 1024, 256 * 1024);
    google::protobuf::Arena arena(options);
    auto* request = google::protobuf::Arena::CreateMessage<agent::v1::ConnectRequest>(&arena);
    status = ParseMessage(&read_buffer_, request);
    if (status.ok()) status = OnMessage(request, bytes);
    read_buffer_.Clear();
    Pump();
  }
  MutexLock lock(&mutex_);
  handling_ = false;
  if (!status.ok()) CloseLocked(std::move(status), When::kNow);
  MaybeRead();
  MaybeFinish();
}

absl::Status IngestStream::OnMessage(agent::v1::ConnectRequest* request, size_t bytes) {
  using agent::v1::ConnectRequest;
  if (!said_hello_ && request->message_case() != ConnectRequest::kHello) {
    return InvalidField("hello", "must be the first message");
  }
  switch (request->message_case()) {
    case ConnectRequest::kHello:
      if (said_hello_)
        return InvalidField("hello", "must be the first message, and only the first");
      said_hello_ = true;
      return OnHello(request->hello());
    case ConnectRequest::kEvents:
      return OnItem(request->events().lane(),
                    BatchFromProto(request->mutable_events(), bytes, caller_.tenant, identity_,
                                   world_.Now()));
    case ConnectRequest::kDropped:
      return OnItem(request->dropped().lane(),
                    DroppedFromProto(request->dropped(), caller_.tenant, identity_, world_.Now()));
    case ConnectRequest::MESSAGE_NOT_SET:
      break;
  }
  return InvalidField("message", "is missing or of an unknown kind");
}

absl::Status IngestStream::OnHello(const agent::v1::Hello& hello) {
  if (hello.agent() != caller_.agent) {
    return MakeError(absl::StatusCode::kPermissionDenied, error_reason::kAgentMismatch,
                     "the key acts for another agent than the hello names",
                     {{"agent", caller_.agent}});
  }
  if (absl::Status status = CheckHello(hello); !status.ok()) return status;
  std::vector<int> lanes;
  for (const agent::v1::LaneRange& range : hello.ranges()) lanes.push_back(range.lane());
  identity_.agent = hello.agent();
  identity_.epoch = hello.epoch();

  OpenAgentStream open;
  open.tenant = caller_.tenant;
  open.agent = hello.agent();
  open.epoch = hello.epoch();
  open.now = world_.Now();
  {
    MutexLock lock(&mutex_);
    opening_ = true;
  }
  Log(LogLevel::kInfo, "agent connected",
      {{"agent", hello.agent()},
       {"epoch", absl::StrCat(absl::Hex(hello.epoch(), absl::kZeroPad16))},
       {"version", absl::string_view(hello.version()).substr(0, 64)}});
  world_.writer->Submit(std::move(open),
                        [self = shared_from_this(), lanes](const Written<OpenAgentStream>& opened) {
                          self->OnOpened(opened, lanes);
                        });
  return absl::OkStatus();
}

void IngestStream::OnOpened(const Written<OpenAgentStream>& opened, const std::vector<int>& lanes) {
  if (opened.result.ok()) {
    streams_.FenceOlder(opened.mutation.tenant, opened.mutation.agent, opened.result->fence);
  }
  MutexLock lock(&mutex_);
  opening_ = false;
  if (!opened.result.ok()) {
    CloseLocked(opened.result.status(), When::kNow);
    return;
  }
  // Nothing is read between hello and here, so OnReadDone does not look at it now.
  identity_.fence = fence_ = opened.result->fence;
  for (const uint64_t through : opened.result->through) lanes_.emplace_back(through);
  agent::v1::Welcome& welcome = welcome_.emplace();
  welcome.set_server_version(std::string(LatchwireVersion()));
  for (const int lane : lanes) {
    agent::v1::LaneCursor* cursor = welcome.add_cursors();
    cursor->set_lane(lane);
    cursor->set_through(opened.result->through[static_cast<size_t>(lane)]);
  }
  welcome.set_max_batch_events(static_cast<int32_t>(kMaxBatchEvents));
  welcome.set_max_batch_bytes(static_cast<int32_t>(kMaxBatchBytes));
  welcome.set_max_unacked_events(static_cast<int32_t>(kMaxUnackedEvents));
  MaybeWrite();
  MaybeRead();
  MaybeFinish();
}

absl::Status IngestStream::OnItem(int lane, absl::StatusOr<LaneItem> item) {
  if (!item.ok()) return item.status();
  MutexLock lock(&mutex_);
  // An ignored one is no error: the agent did not know yet that the lane was refused.
  if (!close_status_) (void)lanes_[static_cast<size_t>(lane)].Offer(*std::move(item));
  return absl::OkStatus();
}

void IngestStream::Pump() {
  mutex_.Lock();
  if (pumping_) {
    mutex_.Unlock();
    return;
  }
  pumping_ = true;
  for (;;) {
    std::optional<IngestLane::Submission> next;
    // Higher lanes are more urgent.
    int lane = static_cast<int>(lanes_.size()) - 1;
    const bool dead = close_status_ && close_when_ == When::kNow;
    for (; lane >= 0 && !dead && !throttled_ && !held_; --lane) {
      IngestLane& candidate = lanes_[static_cast<size_t>(lane)];
      if (!TakeQuota(candidate)) break;
      next = candidate.Next();
      if (next) break;
    }
    if (!next) break;
    mutex_.Unlock();
    std::vector<WebhookKey> crowded;
    if (auto* append = std::get_if<AppendFromAgent>(&next->write)) {
      MatchTargets(*world_.configuration, append);
      crowded = world_.stats->CrowdedTargets(*append);
    }
    std::visit([&](auto& write) { Submit(lane, next->id, std::move(write)); }, next->write);
    mutex_.Lock();
    if (!crowded.empty()) {
      held_ = true;
      world_.counters->agent_holds.fetch_add(1, std::memory_order_relaxed);
      Hold(std::move(crowded), absl::ZeroDuration());
    }
  }
  pumping_ = false;
  mutex_.Unlock();
}

void IngestStream::Submit(int lane, uint64_t id, AppendFromAgent append) {
  world_.writer->Submit(
      std::move(append), [self = shared_from_this(), lane, id](Written<AppendFromAgent> written) {
        self->world_.event_quota->GiveBack(written.mutation.tenant,
                                           CountNotStored(written.mutation, written.result));
        self->OnWritten(lane, id, std::move(written.mutation), written.result.status());
      });
}

void IngestStream::Submit(int lane, uint64_t id, RecordDropped dropped) {
  world_.writer->Submit(
      std::move(dropped), [self = shared_from_this(), lane, id](Written<RecordDropped> written) {
        self->OnWritten(lane, id, std::move(written.mutation), written.result.status());
      });
}

bool IngestStream::TakeQuota(IngestLane& lane) {
  const size_t events = lane.NextEvents();
  if (events == 0) return true;
  const absl::Duration wait = world_.event_quota->TryTake(caller_.tenant, events);
  if (wait == absl::ZeroDuration()) {
    over_quota_ = false;
    return true;
  }
  if (!std::exchange(over_quota_, true)) world_.counters->CountAgentWait();
  if (close_status_) {  // the agent sends it again to the next stream, which may wait
    lane.Drop();
    MaybeFinish();
    return true;
  }
  throttled_ = true;
  world_.executor->PostAfter(std::min(wait, kMaxQuotaWait), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnQuotaRefilled();
  });
  return false;
}

void IngestStream::Hold(std::vector<WebhookKey> crowded, absl::Duration held) {
  world_.executor->PostAfter(
      kHoldStep, [weak = weak_from_this(), crowded = std::move(crowded), held]() mutable {
        const auto self = weak.lock();
        if (self == nullptr) return;
        std::erase_if(crowded, [&](WebhookKey key) { return !self->world_.stats->IsCrowded(key); });
        held += kHoldStep;
        if (!crowded.empty() && held < kMaxHold) return self->Hold(std::move(crowded), held);
        {
          MutexLock lock(&self->mutex_);
          self->held_ = false;
        }
        self->Pump();
      });
}

void IngestStream::OnQuotaRefilled() {
  {
    MutexLock lock(&mutex_);
    throttled_ = false;
  }
  Pump();
}

void IngestStream::OnWritten(int lane, uint64_t id, LaneWrite write, const absl::Status& status) {
  if (status.ok()) CrashPoint("server-after-commit-before-ack");
  {
    MutexLock lock(&mutex_);
    IngestLane::Verdict verdict =
        lanes_[static_cast<size_t>(lane)].OnDone(id, std::move(write), status);
    if (verdict.ack) {
      PendingAck& ack = acks_[static_cast<size_t>(lane)];
      ack.set = true;
      ack.rejected.insert(ack.rejected.end(), std::make_move_iterator(verdict.rejected.begin()),
                          std::make_move_iterator(verdict.rejected.end()));
      if (verdict.retry_after) {
        ack.retry_after = verdict.retry_after;
        world_.counters->CountAgentWait();
      }
    }
    if (!verdict.failure.ok()) {
      Log(LogLevel::kWarning, "agent stream failed",
          {{"agent", caller_.agent},
           {"lane", lane},
           {"reason", ReasonOf(verdict.failure)},
           {"error", verdict.failure.message()}});
      CloseLocked(std::move(verdict.failure), When::kNow);
    }
    MaybeWrite();
    MaybeRead();
    MaybeFinish();
  }
  Pump();
}

void IngestStream::OnWriteDone(bool ok) {
  MutexLock lock(&mutex_);
  writing_ = false;
  if (!ok) {  // the connection is gone: nobody is there to be acked
    for (PendingAck& ack : acks_) ack = PendingAck();
    CloseLocked(absl::OkStatus(), When::kNow);
  }
  MaybeWrite();
  MaybeRead();
  MaybeFinish();
}

void IngestStream::OnDone() {
  Log(LogLevel::kDebug, "agent stream ended", {{"agent", caller_.agent}});
  streams_.Remove(this);  // which destroys this, unless the writer still has something of it
}

void IngestStream::Close(absl::Status status, When when) {
  MutexLock lock(&mutex_);
  CloseLocked(std::move(status), when);
}

int64_t IngestStream::fence() const {
  MutexLock lock(&mutex_);
  return fence_;
}

void IngestStream::CloseLocked(absl::Status status, When when) {
  if (!close_status_ || (when == When::kNow && close_when_ == When::kDrained)) {
    close_status_ = std::move(status);
    close_when_ = when;
    // Nobody waits for the quota at the end: the agent sends those again to its next stream.
    for (IngestLane& lane : lanes_) {
      if (throttled_) lane.Drop();
    }
  }
  MaybeFinish();
}

void IngestStream::MaybeRead() {
  if (reading_ || handling_ || opening_ || close_status_) return;
  size_t events = 0;
  size_t bytes = 0;
  for (const IngestLane& lane : lanes_) {
    events += lane.events();
    bytes += lane.bytes();
  }
  if (events >= kMaxUnackedEvents || bytes >= kMaxUnackedBytes) return;
  for (const PendingAck& ack : acks_) {
    if (ack.rejected.size() >= kMaxWaitingRejected) return;
  }
  reading_ = true;
  StartRead(&read_buffer_);
}

void IngestStream::MaybeWrite() {
  if (writing_ || finished_ || (close_status_ && close_when_ == When::kNow)) return;
  response_.Clear();
  if (welcome_) {
    *response_.mutable_welcome() = *std::exchange(welcome_, std::nullopt);
  } else {
    const auto next =
        std::find_if(acks_.rbegin(), acks_.rend(), [](const PendingAck& ack) { return ack.set; });
    if (next == acks_.rend()) return;
    const size_t lane = static_cast<size_t>(acks_.rend() - next) - 1;
    agent::v1::Ack* ack = response_.mutable_ack();
    ack->set_lane(static_cast<int32_t>(lane));
    ack->set_through(lanes_[lane].durable());
    for (RejectedEvent& rejected : next->rejected) {
      agent::v1::Rejected* added = ack->add_rejected();
      added->set_sequence(rejected.sequence);
      added->set_reason(std::move(rejected.reason));
      added->set_detail(std::move(rejected.detail));
    }
    if (next->retry_after) ToProto(*next->retry_after, ack->mutable_retry_after());
    *next = PendingAck();
  }
  writing_ = true;
  StartWrite(&response_);
}

bool IngestStream::Drained() const {
  if (opening_ || handling_ || welcome_) return false;
  for (const IngestLane& lane : lanes_) {
    if (lane.events() > 0) return false;
  }
  return std::none_of(acks_.begin(), acks_.end(), [](const PendingAck& ack) { return ack.set; });
}

void IngestStream::MaybeFinish() {
  if (finished_ || writing_ || !close_status_) return;
  if (close_when_ == When::kDrained && !Drained()) return;
  finished_ = true;
  Finish(ToGrpcStatus(*close_status_));
}

}  // namespace latchwire
