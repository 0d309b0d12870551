#include "edge-agent/uplink/uplink.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/crash_point.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"

namespace latchwire::edge {

using agent::v1::Ack;
using agent::v1::ConnectRequest;
using agent::v1::ConnectResponse;
using agent::v1::Welcome;

namespace {}  // namespace

Uplink::Uplink(UplinkOptions options, Spool* spool, IngestConnector* connector, SetAside* set_aside,
               Executor* executor, const Clock* clock, Random* random)
    : options_(std::move(options)),
      spool_(spool),
      connector_(connector),
      set_aside_(set_aside),
      executor_(executor),
      clock_(clock),
      backoff_(options_.first_backoff, options_.max_backoff, random) {
  const SpoolEpoch current = spool_->Epochs().back();
  own_epoch_ = current.epoch;
  for (int lane = 0; lane < kSpoolLanes; ++lane) maybe_sent_[lane] = current.lanes[lane].last;
  spool_->SetListener([this] {
    {
      MutexLock lock(&mutex_);
      if (std::exchange(pump_posted_, true)) return;
    }
    executor_->Post([this] {
      {
        MutexLock lock(&mutex_);
        pump_posted_ = false;
      }
      Pump();
    });
  });
}

Uplink::~Uplink() = default;

void Uplink::Start() {
  executor_->Post([this] { Connect(); });
}

void Uplink::Stop(absl::AnyInvocable<void()> done) {
  executor_->Post([this, done = std::move(done)]() mutable {
    stopping_ = true;
    if (stream_ == nullptr) {
      done();
      return;
    }
    stopped_ = std::move(done);
    stream_->Cancel();
  });
}

UplinkStats Uplink::Stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

void Uplink::Connect() {
  if (stopping_ || stream_ != nullptr || rescues_ > 0) return;
  const std::vector<SpoolEpoch> epochs = spool_->Epochs();
  epoch_ = epochs.back().epoch;
  if (epoch_ != own_epoch_) {
    own_epoch_ = epoch_;  // it began in this process, so nobody has sent anything of it
    maybe_sent_ = {};
  }
  for (const SpoolEpoch& epoch : epochs) {
    if (!epoch.empty()) {
      epoch_ = epoch.epoch;
      break;
    }
  }
  lanes_ = {};
  welcomed_ = false;
  writing_ = false;
  finishing_ = false;
  owed_since_ = clock_->Monotonic();
  const uint64_t number = ++stream_number_;
  IngestStream::Callbacks callbacks;
  callbacks.on_message = [this, number](ConnectResponse response) {
    if (number == stream_number_) OnMessage(std::move(response));
  };
  callbacks.on_written = [this, number] {
    if (number != stream_number_) return;
    CrashPoint("agent-after-send-before-ack");
    writing_ = false;
    Pump();
  };
  callbacks.on_done = [this, number](absl::Status status) {
    if (number == stream_number_) OnDone(std::move(status));
  };
  stream_ = connector_->Connect(std::move(callbacks));
  {
    MutexLock lock(&mutex_);
    ++stats_.connects;
  }
  SendHello();
  Watch();
}

void Uplink::SendHello() {
  ConnectRequest request;
  agent::v1::Hello* hello = request.mutable_hello();
  hello->set_agent(options_.agent);
  hello->set_version(options_.version);
  hello->set_epoch(epoch_);
  for (const SpoolEpoch& epoch : spool_->Epochs()) {
    if (epoch.epoch != epoch_) continue;
    for (int lane = 0; lane < kSpoolLanes; ++lane) {
      agent::v1::LaneRange* range = hello->add_ranges();
      range->set_lane(lane);
      range->set_first(epoch.lanes[lane].first);
      range->set_last(epoch.lanes[lane].last);
    }
  }
  Write(std::move(request));
}

void Uplink::Write(ConnectRequest request) {
  LATCHWIRE_CHECK(stream_ != nullptr && !writing_, "two writes at once");
  writing_ = true;
  stream_->Write(std::move(request));
}

void Uplink::OnMessage(ConnectResponse response) {
  if (stopping_) return;
  if (response.has_welcome() && !welcomed_) {
    OnWelcome(response.welcome());
  } else if (response.has_ack() && welcomed_) {
    OnAck(response.ack());
  } else {
    GiveUp("the server sent a message out of turn");
  }
}

void Uplink::OnWelcome(const Welcome& welcome) {
  welcomed_ = true;
  owed_since_ = clock_->Monotonic();
  max_batch_events_ = std::max(1, welcome.max_batch_events());
  max_batch_bytes_ = std::max(1, welcome.max_batch_bytes());
  max_unacked_events_ = std::max(1, welcome.max_unacked_events());
  SpoolEpoch held;
  for (const SpoolEpoch& epoch : spool_->Epochs()) {
    if (epoch.epoch == epoch_) held = epoch;
  }
  bool twin = false;
  for (const agent::v1::LaneCursor& cursor : welcome.cursors()) {
    if (cursor.lane() < 0 || cursor.lane() >= kSpoolLanes) continue;
    if (epoch_ == own_epoch_ && cursor.through() > maybe_sent_[cursor.lane()]) twin = true;
  }
  if (twin) {
    StartRescue(welcome);
    return;
  }
  {
    MutexLock lock(&mutex_);
    stats_.connected = true;
    stats_.error.clear();
    stats_.error_reason.clear();
  }
  options_.info(absl::StrCat("connected to server ", welcome.server_version(), ", epoch ",
                             absl::Hex(epoch_, absl::kZeroPad16)));
  for (const agent::v1::LaneCursor& cursor : welcome.cursors()) {
    if (cursor.lane() < 0 || cursor.lane() >= kSpoolLanes) continue;
    // An ended epoch may have lost, to a power cut, a torn end that a process before it had sent.
    const uint64_t through = std::min<uint64_t>(cursor.through(), held.lanes[cursor.lane()].last);
    lanes_[cursor.lane()] = {through, through, through, absl::ZeroDuration(),
                             held.lanes[cursor.lane()].first - 1};
    DcheckLane(cursor.lane());
    spool_->Acked(epoch_, cursor.lane(), through);
  }
  Pump();
}

void Uplink::OnAck(const Ack& ack) {
  if (ack.lane() < 0 || ack.lane() >= kSpoolLanes) {
    GiveUp(absl::StrCat("the server acked lane ", ack.lane()));
    return;
  }
  Lane& lane = lanes_[ack.lane()];
  const uint64_t through = std::min<uint64_t>(ack.through(), lane.ever_sent);
  owed_since_ = clock_->Monotonic();
  if (through > lane.acked) {
    std::vector<SpoolRecord> anew = SetAsideRejected(ack);
    {
      MutexLock lock(&mutex_);
      const auto gone = static_cast<uint64_t>(ack.rejected_size());
      stats_.acked_events += through - lane.acked - std::min(gone, through - lane.acked);
    }
    lane.acked = through;
    lane.sent = std::max(lane.sent, through);
    backoff_.Reset();
    if (anew.empty()) {
      spool_->Acked(epoch_, ack.lane(), through);
    } else {
      const uint64_t epoch = epoch_;
      AppendAnew(std::move(anew), [this, epoch, index = ack.lane(), through](absl::Status status) {
        // Otherwise they are still held; the server is asked again with the next stream.
        if (status.ok()) spool_->Acked(epoch, index, through);
      });
    }
  }
  if (ack.has_retry_after()) {
    lane.sent = lane.acked;
    const absl::Duration delay =
        absl::Seconds(ack.retry_after().seconds()) + absl::Nanoseconds(ack.retry_after().nanos());
    const absl::Duration wait = std::clamp(delay, options_.first_backoff, absl::Minutes(10));
    lane.paused_until = clock_->Monotonic() + wait;
    executor_->PostAfter(wait, [this] { Pump(); });
  }
  DcheckLane(ack.lane());
  {
    MutexLock lock(&mutex_);
    stats_.told_to_wait = ack.has_retry_after();
  }
  Pump();
}

std::vector<SpoolRecord> Uplink::SetAsideRejected(const Ack& ack) {
  std::vector<SpoolRecord> anew;
  for (const agent::v1::Rejected& rejected : ack.rejected()) {
    if (rejected.sequence() <= lanes_[ack.lane()].acked) continue;
    auto records = spool_->Read(epoch_, ack.lane(), rejected.sequence() - 1, 1, 1);
    const bool found = !records.empty() && records[0].sequence == rejected.sequence();
    if (found && rejected.reason() == error_reason::kSequenceConflict) {
      // Another copy of this spool used the number: the event is good, its number is not.
      options_.warn(absl::StrCat("lane ", ack.lane(), " sequence ", rejected.sequence(),
                                 " was used by another copy of this spool; it gets a new number"));
      anew.push_back({ack.lane(), std::move(records[0].payload)});
      continue;
    }
    options_.warn(absl::StrCat("the server will never take lane ", ack.lane(), " sequence ",
                               rejected.sequence(), ": ", rejected.reason(), " ",
                               rejected.detail()));
    SetAsideEvent event{
        clock_->Now(),     epoch_, ack.lane(), rejected.sequence(), rejected.reason(),
        rejected.detail(), ""};
    if (found) event.record = std::move(records[0].payload);
    const absl::Status status = set_aside_->Add(event);
    if (!status.ok()) options_.warn(absl::StrCat("not set aside: ", status.message()));
    MutexLock lock(&mutex_);
    ++stats_.rejected_events;
  }
  if (!anew.empty() && epoch_ == own_epoch_) spool_->StartNewEpoch("its numbers are in use");
  return anew;
}

void Uplink::OnDone(absl::Status status) {
  LATCHWIRE_CHECK(stream_ != nullptr, "a stream ended twice");
  stream_.reset();
  const bool drained = finishing_;
  {
    MutexLock lock(&mutex_);
    stats_.connected = false;
    stats_.told_to_wait = false;
    if (!drained) {
      stats_.error = std::string(status.ok() ? "the server ended the stream" : status.message());
      stats_.error_reason = ReasonOf(status);
    }
  }
  if (stopping_) {
    if (stopped_) stopped_();
    return;
  }
  absl::Duration delay = absl::ZeroDuration();
  if (!drained) {
    const absl::Duration asked = RetryAfterOf(status).value_or(absl::ZeroDuration());
    delay = std::max(backoff_.Next(), std::min(asked, options_.max_backoff));
    const std::string reason = ReasonOf(status);
    // By another agent of this name, for we have no other stream; not to be fought every 100 ms.
    if (reason == error_reason::kAgentStreamFenced)
      delay = std::max(delay, options_.max_backoff / 3);
    options_.warn(absl::StrCat(
        "no stream to the server: ", status.ok() ? "it ended the stream" : status.message(),
        reason.empty() ? "" : " (", reason, reason.empty() ? "" : ")", "; next try in ",
        absl::FormatDuration(delay)));
    if (reason == error_reason::kSequenceConflict) RescueConflict(MetadataOf(status));
  }
  executor_->PostAfter(delay, [this] { Connect(); });
}

// The event is valid, but its number is not. The next stream continues after it.
void Uplink::RescueConflict(const std::map<std::string, std::string>& metadata) {
  const auto lane_text = metadata.find("lane"), sequence_text = metadata.find("sequence");
  int lane = 0;
  uint64_t sequence = 0;
  if (lane_text == metadata.end() || sequence_text == metadata.end() ||
      !absl::SimpleAtoi(lane_text->second, &lane) || lane < 0 || lane >= kSpoolLanes ||
      !absl::SimpleAtoi(sequence_text->second, &sequence) || sequence == 0) {
    return;
  }
  auto records = spool_->Read(epoch_, lane, sequence - 1, 1, 1);
  if (records.empty() || records[0].sequence != sequence) return;
  if (epoch_ == own_epoch_) spool_->StartNewEpoch("its numbers are in use");
  ++rescues_;
  AppendAnew({{lane, std::move(records[0].payload)}}, [this](absl::Status status) {
    if (!status.ok()) {
      options_.warn(absl::StrCat("an event is lost, its number is in use: ", status.message()));
    }
    LATCHWIRE_CHECK(rescues_ > 0);
    if (--rescues_ == 0) Connect();
  });
}

void Uplink::GiveUp(absl::string_view why) {
  if (stream_ == nullptr) return;
  options_.warn(absl::StrCat("giving up the stream: ", why));
  finishing_ = false;
  welcomed_ = false;  // nothing more goes out or counts
  stream_->Cancel();
}

void Uplink::Watch() {
  executor_->PostAfter(options_.answer_timeout / 4, [this, number = stream_number_] {
    if (number != stream_number_ || stream_ == nullptr) return;
    const bool owed = !welcomed_ || finishing_ || Unacked() > 0;
    if (owed && clock_->Monotonic() - owed_since_ > options_.answer_timeout) {
      GiveUp("the server does not answer");
    }
    Watch();
  });
}

void Uplink::DcheckLane(int lane) const {
  const Lane& state = lanes_[lane];
  LATCHWIRE_DCHECK(state.acked <= state.sent && state.sent <= state.ever_sent, "lane ", lane, ": ",
                   state.acked, " acked, ", state.sent, " sent, ", state.ever_sent, " ever sent");
}

int64_t Uplink::Unacked() const {
  int64_t total = 0;
  for (const Lane& lane : lanes_) total += static_cast<int64_t>(lane.sent - lane.acked);
  return total;
}

}  // namespace latchwire::edge
