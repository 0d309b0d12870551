#include "edge-agent/sources/intake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/error_reason.h"
#include "core/base/id.h"
#include "core/domain/limits.h"
#include "core/domain/validation.h"

namespace latchwire::edge {
namespace {

// Resends that are known, of all families together.
constexpr size_t kMaxRepeats = 4096;

// Families cannot meet in one key.
std::string KeyOf(absl::string_view family, absl::string_view repeat_key) {
  return absl::StrCat(family, "\n", repeat_key);
}

// Without the words of the disk, which are for the operator.
absl::Status SinkError(const absl::Status& status) {
  return absl::IsResourceExhausted(status)
             ? MakeError(absl::StatusCode::kResourceExhausted, error_reason::kOverloaded,
                         "the agent's spool or its disk is full; nothing was taken in")
             : MakeError(absl::StatusCode::kUnavailable, error_reason::kStoreUnavailable,
                         "the agent cannot store events now; nothing was taken in");
}

}  // namespace

// What became of a message's events.
struct Intake::Batch {
  size_t family = 0;
  std::vector<std::string> ids;   // of all, in order
  std::vector<std::string> keys;  // begun in repeats_
  std::vector<Event> fresh;
  size_t fresh_count = 0;
};

Intake::Intake(EventSink* sink, const Clock* clock, Random* random)
    : sink_(sink), clock_(clock), random_(random), repeats_(kMaxRepeats) {}

absl::StatusOr<std::unique_ptr<Intake>> Intake::Make(const IntakeConfig& config, EventSink* sink,
                                                     const Clock* clock, Random* random) {
  std::unique_ptr<Intake> intake(new Intake(sink, clock, random));
  for (const auto& [name, credentials] : config) {
    if (FindDialectRow(name) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("intake.", name, ": no such device family"));
    }
  }
  MutexLock lock(&intake->mutex_);
  for (const DialectRow& row : DialectTable()) {
    const auto it = config.find(std::string(row.name));
    if (it == config.end() || it->second.empty()) continue;
    auto dialect = row.make(it->second);
    if (!dialect.ok()) {
      return absl::Status(
          dialect.status().code(),
          absl::StrCat("intake.", row.name, ".", MetadataOf(dialect.status())["field"], ": ",
                       dialect.status().message()));
    }
    intake->families_.push_back({&row, *std::move(dialect)});
    intake->stats_.push_back({row.name});
  }
  return intake;
}

std::vector<const DialectRow*> Intake::Families() const {
  std::vector<const DialectRow*> rows;
  for (const Family& family : families_) rows.push_back(family.row);
  return rows;
}

std::vector<std::string> Intake::Warnings() const {
  std::vector<std::string> warnings;
  for (const Family& family : families_) {
    for (const std::string& warning : family.dialect->Warnings()) {
      warnings.push_back(absl::StrCat(family.row->name, " ", warning));
    }
  }
  return warnings;
}

void Intake::Submit(absl::string_view family, const DeviceMessage& message, Done done) {
  size_t index = 0;
  while (index < families_.size() && families_[index].row->name != family) ++index;
  if (index == families_.size()) {
    return done(MakeError(absl::StatusCode::kNotFound, error_reason::kRouteNotFound,
                          absl::StrCat("the device family ", family, " is not configured")));
  }
  auto events = families_[index].dialect->Read(message);
  if (!events.ok()) return done(events.status());
  if (absl::Status status = Finish(&*events); !status.ok()) return done(std::move(status));
  Batch batch;
  if (absl::Status status = Begin(index, *std::move(events), &batch); !status.ok()) {
    return done(std::move(status));
  }
  if (batch.fresh.empty()) return done(std::move(batch.ids));
  std::vector<Event> fresh = std::move(batch.fresh);
  sink_->Accept(std::move(fresh), [this, batch = std::move(batch),
                                   done = std::move(done)](absl::Status status) mutable {
    Settle(batch, status.ok());
    if (status.ok()) {
      done(std::move(batch.ids));
    } else {
      done(SinkError(status));
    }
  });
}

absl::Status Intake::Finish(std::vector<DeviceEvent>* events) const {
  const absl::Time now = clock_->Now();
  for (size_t i = 0; i < events->size(); ++i) {
    Event& event = (*events)[i].event;
    const std::string path = events->size() == 1 ? "event" : absl::StrCat("events[", i, "]");
    if (event.data.size() > kMaxEventDataBytes) {
      return MakeError(absl::StatusCode::kOutOfRange, error_reason::kRequestTooLarge,
                       absl::StrCat(path, " has ", event.data.size(), " bytes of data, of at most ",
                                    kMaxEventDataBytes),
                       {{"field", path}, {"limit_bytes", absl::StrCat(kMaxEventDataBytes)}});
    }
    const std::vector<FieldViolation> violations = Validate(event, path);
    if (!violations.empty()) {
      return MakeError(absl::StatusCode::kInvalidArgument, error_reason::kFieldInvalid,
                       absl::StrCat(violations[0].field, " ", violations[0].description),
                       {{"field", violations[0].field}});
    }
    event.receive_time = now;
    event.id = Uuid::MakeV7(now, random_).ToString();
  }
  return absl::OkStatus();
}

absl::Status Intake::Begin(size_t family, std::vector<DeviceEvent> events, Batch* batch) {
  batch->family = family;
  batch->ids.reserve(events.size());
  batch->fresh.reserve(events.size());
  std::vector<std::string> keys;
  for (const DeviceEvent& event : events) {
    if (event.repeat_key.empty()) continue;
    keys.resize(events.size());
    keys[static_cast<size_t>(&event - events.data())] =
        KeyOf(families_[family].row->name, event.repeat_key);
  }
  if (keys.empty()) {
    for (DeviceEvent& event : events) {
      batch->ids.push_back(event.event.id);
      batch->fresh.push_back(std::move(event.event));
    }
    batch->fresh_count = batch->fresh.size();
    return absl::OkStatus();
  }
  MutexLock lock(&mutex_);
  for (const std::string& key : keys) {
    const RepeatWindow::Entry* known = key.empty() ? nullptr : repeats_.Find(key);
    if (known != nullptr && !known->durable) {
      return WithRetryAfter(MakeError(absl::StatusCode::kUnavailable, error_reason::kOverloaded,
                                      "this event is being stored already"),
                            absl::Seconds(1));
    }
  }
  for (size_t i = 0; i < events.size(); ++i) {
    Event& event = events[i].event;
    // Known by now: from before, or from further up in this very message.
    if (const RepeatWindow::Entry* known = keys[i].empty() ? nullptr : repeats_.Find(keys[i])) {
      batch->ids.push_back(known->id);
      ++stats_[family].repeated_events;
      continue;
    }
    if (!keys[i].empty()) {
      repeats_.Begin(keys[i], event.id);
      batch->keys.push_back(std::move(keys[i]));
    }
    batch->ids.push_back(event.id);
    batch->fresh.push_back(std::move(event));
  }
  batch->fresh_count = batch->fresh.size();
  LATCHWIRE_DCHECK(batch->ids.size() == events.size());
  LATCHWIRE_DCHECK(batch->keys.size() <= batch->fresh_count);
  return absl::OkStatus();
}

void Intake::Settle(const Batch& batch, bool durable) {
  MutexLock lock(&mutex_);
  for (const std::string& key : batch.keys) repeats_.Settle(key, durable);
  if (durable) stats_[batch.family].accepted_events += batch.fresh_count;
}

void Intake::Remember(const Event& event) {
  for (const Family& family : families_) {
    const std::string key = family.dialect->RepeatKeyOf(event);
    if (key.empty()) continue;
    MutexLock lock(&mutex_);
    repeats_.Remember(KeyOf(family.row->name, key), event.id);
  }
}

std::vector<IntakeFamilyStats> Intake::Stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace latchwire::edge
