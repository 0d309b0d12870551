#include "edge-agent/uplink/event_codec.h"

#include "latchwire/v1/event.pb.h"

namespace latchwire::edge {
namespace {

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down
  out->set_seconds(seconds);
  out->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

}  // namespace

std::string EncodeEvent(const Event& event) {
  v1::Event proto;
  proto.set_id(event.id);
  proto.set_type(event.type);
  proto.set_canonical_type(event.canonical_type);
  proto.set_source(event.source);
  proto.set_subject(event.subject);
  for (const auto& [key, value] : event.attributes) (*proto.mutable_attributes())[key] = value;
  if (event.occur_time != absl::InfinitePast()) {
    SetTime(event.occur_time, proto.mutable_occur_time());
  }
  SetTime(event.receive_time, proto.mutable_receive_time());
  proto.set_priority(event.priority);
  if (event.is_json) {
    proto.set_json(event.data);
  } else {
    proto.set_binary(event.data);
  }
  proto.set_content_type(event.content_type);
  return proto.SerializeAsString();
}

std::optional<Event> DecodeEventIdentity(absl::string_view record) {
  v1::Event proto;
  if (!proto.ParseFromArray(record.data(), static_cast<int>(record.size()))) return std::nullopt;
  Event event;
  event.id = proto.id();
  event.type = proto.type();
  event.source = proto.source();
  event.attributes = {proto.attributes().begin(), proto.attributes().end()};
  return event;
}

int LaneOfPriority(int priority) {
  if (priority >= 9) return 3;
  if (priority >= 7) return 2;
  if (priority >= 4) return 1;
  return 0;
}

}  // namespace latchwire::edge
