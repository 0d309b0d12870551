#include "server/store/sqlite/codec.h"

#include <utility>

#include "core/base/crypto.h"
#include "core/base/id.h"
#include "server/store/driver/driver_rules.h"
#include "server/store/sqlite/packer.h"

namespace latchwire::sqlite {
namespace {

constexpr int64_t kInfinitePast = INT64_MIN;
constexpr int64_t kInfiniteFuture = INT64_MAX;

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

}  // namespace latchwire::sqlite
