// What the uplink sends, and when.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "edge-agent/uplink/uplink.h"

namespace latchwire::edge {

using agent::v1::ConnectRequest;

namespace {

// Tags, lengths, sequence and checksum of one event in a batch, at most.
constexpr size_t kEventOverheadBytes = 32;
constexpr size_t kMaxRescueRecords = 100;
constexpr size_t kMaxRescueBytes = 512 * 1024;

}  // namespace

bool Uplink::EpochIsOver(const std::vector<SpoolEpoch>& epochs) const {
  if (epochs.back().epoch == epoch_) {
    // Ours is the newest; older ones come first, but can only have been there all along.
    return false;
  }
  for (const SpoolEpoch& epoch : epochs) {
    if (epoch.epoch == epoch_) return epoch.empty();
  }
  return true;
}

void Uplink::Pump() {
  if (stream_ == nullptr || !welcomed_ || writing_ || finishing_ || stopping_) return;
  const std::vector<SpoolEpoch> epochs = spool_->Epochs();
  if (EpochIsOver(epochs)) {
    finishing_ = true;
    owed_since_ = clock_->Monotonic();
    stream_->FinishWrites();
    return;
  }
  for (const SpoolEpoch& epoch : epochs) {
    if (epoch.epoch != epoch_) continue;
    const int lane = PickLane(epoch);
    if (lane >= 0) SendFrom(lane, epoch.lanes[lane].last);
  }
}

int Uplink::PickLane(const SpoolEpoch& epoch) {
  const int64_t room = max_unacked_events_ - Unacked();
  const int64_t kept = max_unacked_events_ / 4;  // for the most urgent
  const absl::Duration now = clock_->Monotonic();
  const auto ready = [&](int lane) {
    return lanes_[lane].sent < epoch.lanes[lane].last && lanes_[lane].paused_until <= now &&
           room > (lane == kSpoolLanes - 1 ? 0 : kept);
  };
  if (++turn_ % 8 == 0) {
    for (int i = 0; i < kSpoolLanes; ++i) {
      const int lane = static_cast<int>((turn_ / 8 + static_cast<uint64_t>(i)) % kSpoolLanes);
      if (ready(lane)) return lane;
    }
    return -1;
  }
  for (int lane = kSpoolLanes - 1; lane >= 0; --lane) {
    if (ready(lane)) return lane;
  }
  return -1;
}

void Uplink::SendFrom(int lane_index, uint64_t last_held) {
  Lane& lane = lanes_[lane_index];
  const int64_t kept = lane_index == kSpoolLanes - 1 ? 0 : max_unacked_events_ / 4;
  const int64_t room = max_unacked_events_ - kept - Unacked();
  const auto max_events = static_cast<size_t>(std::min<int64_t>(max_batch_events_, room));
  if (lane.sent < lane.let_go) {
    SendDropped(
        lane_index, lane.sent + 1, lane.let_go,
        "the server had acked them and knows them no more, as after the restore of a backup");
    return;
  }
  auto records = spool_->Read(epoch_, lane_index, lane.sent, max_events,
                              static_cast<size_t>(max_batch_bytes_));
  if (records.empty()) {
    SendDropped(lane_index, lane.sent + 1, last_held, "damaged in the spool");
    return;
  }
  if (records[0].sequence != lane.sent + 1) {
    SendDropped(lane_index, lane.sent + 1, records[0].sequence - 1, "damaged in the spool");
    return;
  }
  if (Unacked() == 0) owed_since_ = clock_->Monotonic();
  ConnectRequest request;
  agent::v1::EventBatch* batch = request.mutable_events();
  batch->set_lane(lane_index);
  size_t bytes = kEventOverheadBytes;
  uint64_t expected = lane.sent + 1;
  for (SpooledRecord& record : records) {
    const size_t size = record.payload.size() + kEventOverheadBytes;
    if (record.sequence != expected ||
        (batch->events_size() > 0 && bytes + size > static_cast<size_t>(max_batch_bytes_))) {
      break;
    }
    agent::v1::SpooledEvent event;
    if (!event.mutable_event()->ParseFromString(record.payload)) {
      if (batch->events_size() > 0) break;
      set_aside_
          ->Add({clock_->Now(), epoch_, lane_index, record.sequence, "UNREADABLE",
                 "the spool's record is not an event", std::move(record.payload)})
          .IgnoreError();
      SendDropped(lane_index, record.sequence, record.sequence, "unreadable in the spool");
      return;
    }
    event.set_sequence(record.sequence);
    event.set_checksum(record.checksum);
    *batch->add_events() = std::move(event);
    bytes += size;
    ++expected;
  }
  lane.sent = expected - 1;
  lane.ever_sent = std::max(lane.ever_sent, lane.sent);
  DcheckLane(lane_index);
  if (epoch_ == own_epoch_) {
    maybe_sent_[lane_index] = std::max(maybe_sent_[lane_index], lane.sent);
  }
  {
    MutexLock lock(&mutex_);
    stats_.sent_events += static_cast<uint64_t>(batch->events_size());
  }
  Write(std::move(request));
}

void Uplink::SendDropped(int lane, uint64_t from, uint64_t to, absl::string_view reason) {
  options_.warn(
      absl::StrCat("lane ", lane, " sequences ", from, " to ", to, " are lost: ", reason));
  if (Unacked() == 0) owed_since_ = clock_->Monotonic();
  ConnectRequest request;
  agent::v1::Dropped* dropped = request.mutable_dropped();
  dropped->set_lane(lane);
  dropped->set_from(from);
  dropped->set_to(to);
  dropped->set_reason(std::string(reason));
  lanes_[lane].sent = to;
  lanes_[lane].ever_sent = std::max(lanes_[lane].ever_sent, to);
  DcheckLane(lane);
  if (epoch_ == own_epoch_) maybe_sent_[lane] = std::max(maybe_sent_[lane], to);
  {
    MutexLock lock(&mutex_);
    stats_.dropped_events += to - from + 1;
  }
  Write(std::move(request));
}

// What this process and those before it may have sent is the server's, whoever sent it, for it was
// copied along. What came later has numbers that now mean other events.
void Uplink::StartRescue(const agent::v1::Welcome& welcome) {
  GiveUp("another copy of this spool has sent events of this epoch");
  const uint64_t epoch = epoch_;
  spool_->StartNewEpoch("another copy of this spool uses its numbers");
  for (const agent::v1::LaneCursor& cursor : welcome.cursors()) {
    if (cursor.lane() < 0 || cursor.lane() >= kSpoolLanes) continue;
    const uint64_t shared = maybe_sent_[cursor.lane()];
    if (cursor.through() <= shared) continue;
    spool_->Acked(epoch, cursor.lane(), shared);
    ++rescues_;
    Rescue(epoch, cursor.lane(), shared);
  }
}

void Uplink::Rescue(uint64_t epoch, int lane, uint64_t after) {
  auto records = spool_->Read(epoch, lane, after, kMaxRescueRecords, kMaxRescueBytes);
  if (records.empty()) {
    spool_->Acked(epoch, lane, ~uint64_t{0});
    LATCHWIRE_CHECK(rescues_ > 0);
    if (--rescues_ == 0) Connect();
    return;
  }
  const uint64_t through = records.back().sequence;
  std::vector<SpoolRecord> copies;
  for (SpooledRecord& record : records) copies.push_back({lane, std::move(record.payload)});
  AppendAnew(std::move(copies), [this, epoch, lane, after, through](absl::Status status) {
    if (status.ok()) {
      spool_->Acked(epoch, lane, through);
      Rescue(epoch, lane, through);
      return;
    }
    executor_->PostAfter(absl::Seconds(1),
                         [this, epoch, lane, after] { Rescue(epoch, lane, after); });
  });
}

void Uplink::AppendAnew(std::vector<SpoolRecord> records,
                        absl::AnyInvocable<void(absl::Status)> then) {
  const uint64_t count = records.size();
  spool_->Append(
      std::move(records), [this, count, then = std::move(then)](absl::Status status) mutable {
        executor_->Post([this, count, status, then = std::move(then)]() mutable {
          if (status.ok()) {
            MutexLock lock(&mutex_);
            stats_.rescued_events += count;
          } else {
            options_.warn(absl::StrCat("events could not be numbered anew: ", status.message()));
          }
          then(std::move(status));
          Pump();  // the epoch may be over now
        });
      });
}

}  // namespace latchwire::edge
