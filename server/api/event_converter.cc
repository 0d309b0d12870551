#include "server/api/event_converter.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/domain/limits.h"
#include "server/api/time_converter.h"

namespace latchwire {
namespace {

void TimeFromProto(const google::protobuf::Timestamp& proto, absl::string_view prefix,
                   absl::string_view name, absl::Time* time,
                   std::vector<FieldViolation>* violations) {
  if (const auto value = FromProto(proto)) {
    *time = *value;
  } else {
    violations->push_back(
        {absl::StrCat(prefix, ".", name), "is not a valid google.protobuf.Timestamp"});
  }
}

}  // namespace

std::vector<FieldViolation> EventFromProto(v1::Event* proto, absl::string_view prefix,
                                           Event* event) {
  std::vector<FieldViolation> violations;
  event->id = std::move(*proto->mutable_id());
  event->type = std::move(*proto->mutable_type());
  event->canonical_type = std::move(*proto->mutable_canonical_type());
  event->source = std::move(*proto->mutable_source());
  event->subject = std::move(*proto->mutable_subject());
  for (auto& [key, value] : *proto->mutable_attributes()) {
    event->attributes.emplace(key, std::move(value));
  }
  if (proto->has_occur_time()) {
    TimeFromProto(proto->occur_time(), prefix, "occur_time", &event->occur_time, &violations);
  }
  if (proto->has_expire_time()) {
    TimeFromProto(proto->expire_time(), prefix, "expire_time", &event->expire_time, &violations);
  }
  event->priority = proto->has_priority() ? proto->priority() : kDefaultPriority;
  event->content_type = std::move(*proto->mutable_content_type());
  switch (proto->data_case()) {
    case v1::Event::kJson:
      event->is_json = true;
      event->data = std::move(*proto->mutable_json());
      break;
    case v1::Event::kBinary:
      event->is_json = false;
      event->data = std::move(*proto->mutable_binary());
      break;
    case v1::Event::DATA_NOT_SET:
      // So that Validate does not complain of an empty text that nobody sent.
      event->is_json = false;
      violations.push_back(
          {absl::StrCat(prefix, ".data"), "is missing: set json (such as `{}`) or binary"});
      break;
  }
  std::vector<FieldViolation> found = Validate(*event, prefix);
  if (violations.empty()) return found;
  for (FieldViolation& violation : found) violations.push_back(std::move(violation));
  return violations;
}

void ToProto(const Event& event, EventData data, v1::Event* proto) {
  proto->set_name(absl::StrCat("events/", event.id));
  proto->set_id(event.id);
  proto->set_number(event.number);
  proto->set_type(event.type);
  proto->set_canonical_type(event.canonical_type);
  proto->set_source(event.source);
  proto->set_subject(event.subject);
  for (const auto& [key, value] : event.attributes) (*proto->mutable_attributes())[key] = value;
  const bool occurred = event.occur_time != absl::InfinitePast();
  ToProto(occurred ? event.occur_time : event.receive_time, proto->mutable_occur_time());
  ToProto(event.receive_time, proto->mutable_receive_time());
  proto->set_priority(event.priority);
  if (event.expire_time != absl::InfiniteFuture()) {
    ToProto(event.expire_time, proto->mutable_expire_time());
  }
  proto->set_content_type(std::string(EffectiveContentType(event)));
  if (data == EventData::kWithout) return;
  if (event.is_json) {
    proto->set_json(event.data);
  } else {
    proto->set_binary(event.data);
  }
}

}  // namespace latchwire
