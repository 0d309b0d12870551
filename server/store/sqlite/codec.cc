#include "server/store/sqlite/codec.h"

#include <map>
#include <utility>

#include "core/base/crypto.h"
#include "core/base/id.h"
#include "server/store/driver_rules.h"

namespace latchwire::sqlite {
namespace {

constexpr uint8_t kFormat = 1;
constexpr int64_t kInfinitePast = INT64_MIN;
constexpr int64_t kInfiniteFuture = INT64_MAX;

class Packer {
 public:
  explicit Packer(std::string* out) : out_(*out) {
    out_.clear();
    out_.push_back(static_cast<char>(kFormat));
  }
  void Unsigned(uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void Signed(int64_t value) {
    Unsigned((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Time(absl::Time time) { Signed(PackTime(time)); }
  void Length(absl::Duration duration) {
    Signed(duration == absl::InfiniteDuration() ? kInfiniteFuture
                                                : absl::ToInt64Microseconds(duration));
  }
  void Bytes(absl::string_view bytes) {
    Unsigned(bytes.size());
    out_.append(bytes.data(), bytes.size());
  }
  void Map(const std::map<std::string, std::string>& map) {
    Unsigned(map.size());
    for (const auto& [key, value] : map) {
      Bytes(key);
      Bytes(value);
    }
  }

 private:
  std::string& out_;
};

class Unpacker {
 public:
  explicit Unpacker(absl::string_view packed) : rest_(packed) { ok_ = Byte() == kFormat; }

  uint64_t Unsigned() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = Byte();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  int64_t Signed() {
    const uint64_t value = Unsigned();
    return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  absl::Time Time() { return UnpackTime(Signed()); }
  absl::Duration Length() {
    const int64_t micros = Signed();
    return micros == kInfiniteFuture ? absl::InfiniteDuration() : absl::Microseconds(micros);
  }
  std::string Bytes() {
    const uint64_t size = Unsigned();
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    std::string bytes(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return bytes;
  }
  std::map<std::string, std::string> Map() {
    std::map<std::string, std::string> map;
    for (uint64_t left = Count(); left > 0 && ok_; --left) {
      std::string key = Bytes();
      map.emplace_hint(map.end(), std::move(key), Bytes());
    }
    return map;
  }
  // Of elements, which take a byte each at least.
  uint64_t Count() {
    const uint64_t count = Unsigned();
    if (count > rest_.size()) ok_ = false;
    return ok_ ? count : 0;
  }
  absl::Status Finish() const {
    if (ok_ && rest_.empty()) return absl::OkStatus();
    return StoreUnavailableError("the database file is damaged: a record cannot be read");
  }

 private:
  uint8_t Byte() {
    if (rest_.empty()) {
      ok_ = false;
      return 0;
    }
    const uint8_t byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  absl::string_view rest_;
  bool ok_ = true;
};

}  // namespace

int64_t PackTime(absl::Time time) {
  if (time == absl::InfiniteFuture()) return kInfiniteFuture;
  if (time == absl::InfinitePast()) return kInfinitePast;
  return absl::ToUnixMicros(time);
}

absl::Time UnpackTime(int64_t micros) {
  if (micros == kInfiniteFuture) return absl::InfiniteFuture();
  if (micros == kInfinitePast) return absl::InfinitePast();
  return absl::FromUnixMicros(micros);
}

bool IsCanonicalUuid(absl::string_view id, std::string* bytes) {
  if (id.size() != 36) return false;
  for (const char c : id) {
    if (c >= 'A' && c <= 'F') return false;  // another text than the one that comes back
  }
  const auto uuid = Uuid::Parse(id);
  if (!uuid.has_value()) return false;
  bytes->assign(reinterpret_cast<const char*>(uuid->bytes.data()), uuid->bytes.size());
  return true;
}

std::string UuidText(absl::string_view bytes) {
  Uuid uuid;
  if (bytes.size() != uuid.bytes.size()) return std::string(bytes);
  std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
  return uuid.ToString();
}

std::string EventIdKey(absl::string_view id) {
  std::string key;
  if (!IsCanonicalUuid(id, &key)) key = std::string(AsBytes(Sha256(id)).substr(0, 17));
  return key;
}

void PackEvent(const Event& event, const std::vector<int64_t>& webhooks, std::string* out) {
  Packer packer(out);
  packer.Time(event.occur_time);
  packer.Time(event.expire_time);
  packer.Signed(event.priority);
  packer.Bytes(event.content_type);
  packer.Map(event.attributes);
  packer.Unsigned(webhooks.size());
  int64_t previous = 0;
  for (const int64_t uid : webhooks) {
    packer.Signed(uid - previous);
    previous = uid;
  }
}

absl::Status UnpackEvent(absl::string_view packed, Event* event, std::vector<int64_t>* webhooks) {
  Unpacker unpacker(packed);
  event->occur_time = unpacker.Time();
  event->expire_time = unpacker.Time();
  event->priority = static_cast<int>(unpacker.Signed());
  event->content_type = unpacker.Bytes();
  event->attributes = unpacker.Map();
  int64_t uid = 0;
  for (uint64_t left = unpacker.Count(); left > 0; --left) {
    uid += unpacker.Signed();
    if (webhooks != nullptr) webhooks->push_back(uid);
  }
  return unpacker.Finish();
}

void PackAttempt(const Attempt& attempt, std::string* out) {
  Packer packer(out);
  packer.Time(attempt.start_time);
  packer.Length(ToStoredDuration(attempt.duration));
  packer.Signed(attempt.http_status);
  packer.Bytes(attempt.error);
  packer.Bytes(attempt.error_detail);
  packer.Bytes(attempt.response_body);
}

absl::Status UnpackAttempt(absl::string_view packed, Attempt* attempt) {
  Unpacker unpacker(packed);
  attempt->start_time = unpacker.Time();
  attempt->duration = unpacker.Length();
  attempt->http_status = static_cast<int>(unpacker.Signed());
  attempt->error = unpacker.Bytes();
  attempt->error_detail = unpacker.Bytes();
  attempt->response_body = unpacker.Bytes();
  return unpacker.Finish();
}

std::string PackWebhook(const Webhook& webhook) {
  std::string out;
  Packer packer(&out);
  packer.Signed(static_cast<int>(webhook.format));
  packer.Unsigned(webhook.any_of.size());
  for (const EventMatch& match : webhook.any_of) {
    packer.Bytes(match.type_pattern);
    packer.Bytes(match.source);
    packer.Bytes(match.subject);
  }
  packer.Map(webhook.headers);
  packer.Bytes(webhook.secret);
  packer.Length(webhook.timeout);
  packer.Unsigned(webhook.retry_policy.delays.size());
  for (const absl::Duration delay : webhook.retry_policy.delays) packer.Length(delay);
  packer.Signed(static_cast<int>(webhook.ordering));
  packer.Signed(webhook.max_in_flight);
  packer.Length(webhook.max_event_age);
  packer.Map(webhook.annotations);
  packer.Bytes(webhook.state_reason);
  packer.Time(webhook.state_time);
  packer.Time(webhook.create_time);
  packer.Time(webhook.update_time);
  return out;
}

absl::Status UnpackWebhook(absl::string_view packed, Webhook* webhook) {
  Unpacker unpacker(packed);
  webhook->format = static_cast<WebhookFormat>(unpacker.Signed());
  for (uint64_t left = unpacker.Count(); left > 0; --left) {
    EventMatch match;
    match.type_pattern = unpacker.Bytes();
    match.source = unpacker.Bytes();
    match.subject = unpacker.Bytes();
    webhook->any_of.push_back(std::move(match));
  }
  webhook->headers = unpacker.Map();
  webhook->secret = unpacker.Bytes();
  webhook->timeout = unpacker.Length();
  webhook->retry_policy.delays.clear();
  for (uint64_t left = unpacker.Count(); left > 0; --left) {
    webhook->retry_policy.delays.push_back(unpacker.Length());
  }
  webhook->ordering = static_cast<WebhookOrdering>(unpacker.Signed());
  webhook->max_in_flight = static_cast<int>(unpacker.Signed());
  webhook->max_event_age = unpacker.Length();
  webhook->annotations = unpacker.Map();
  webhook->state_reason = unpacker.Bytes();
  webhook->state_time = unpacker.Time();
  webhook->create_time = unpacker.Time();
  webhook->update_time = unpacker.Time();
  return unpacker.Finish();
}

}  // namespace latchwire::sqlite
