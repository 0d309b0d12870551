#include "server/api/recovery_job_converter.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "server/api/delivery_converter.h"
#include "server/api/time_converter.h"

namespace latchwire {
namespace {

v1::RecoveryJob::State StateToProto(RecoveryJobState state) {
  switch (state) {
    case RecoveryJobState::kRunning:
      return v1::RecoveryJob::STATE_RUNNING;
    case RecoveryJobState::kSucceeded:
      return v1::RecoveryJob::STATE_SUCCEEDED;
    case RecoveryJobState::kCancelled:
      return v1::RecoveryJob::STATE_CANCELLED;
  }
  return v1::RecoveryJob::STATE_UNSPECIFIED;
}

std::vector<DeliveryState> StatesFromProto(const v1::RecoveryJob& proto,
                                           std::vector<FieldViolation>* violations) {
  if (proto.delivery_states().empty()) return {DeliveryState::kDead};
  std::vector<DeliveryState> states;
  for (int i = 0; i < proto.delivery_states_size(); ++i) {
    const auto state = FromProto(proto.delivery_states(i));
    if (!state || *state == DeliveryState::kPending) {
      violations->push_back(
          {absl::StrCat("recovery_job.delivery_states[", i, "]"),
           "must be STATE_SUCCEEDED, STATE_DEAD, STATE_EXPIRED or STATE_DROPPED"});
    } else if (!absl::c_linear_search(states, *state)) {
      states.push_back(*state);
    }
  }
  return states;
}

absl::Time TimeFromProto(const google::protobuf::Timestamp& proto, absl::string_view path,
                         std::vector<FieldViolation>* violations) {
  if (const auto time = FromProto(proto)) return *time;
  violations->push_back({std::string(path), "is not a valid google.protobuf.Timestamp"});
  return absl::UnixEpoch();
}

}  // namespace

void ToProto(const RecoveryJob& job, absl::string_view webhook, v1::RecoveryJob* proto) {
  proto->set_name(absl::StrCat("recoveryJobs/", job.id));
  proto->set_webhook(std::string(webhook));
  for (const DeliveryState state : job.states) proto->add_delivery_states(StateToProto(state));
  if (job.created_from != absl::InfinitePast()) {
    ToProto(job.created_from, proto->mutable_start_time());
  }
  if (job.created_before != absl::InfiniteFuture()) {
    ToProto(job.created_before, proto->mutable_end_time());
  }
  if (job.event_match != EventMatch()) {
    proto->mutable_event_match()->set_type_pattern(job.event_match.type_pattern);
    proto->mutable_event_match()->set_source(job.event_match.source);
    proto->mutable_event_match()->set_subject(job.event_match.subject);
  }
  proto->set_state(StateToProto(job.state));
  proto->set_examined_count(job.examined_count);
  proto->set_recovered_count(job.recovered_count);
  ToProto(job.create_time, proto->mutable_create_time());
  if (job.state != RecoveryJobState::kRunning && job.end_time != absl::InfiniteFuture()) {
    ToProto(job.end_time, proto->mutable_complete_time());
  }
}

std::vector<FieldViolation> FromProto(const v1::RecoveryJob& proto, RecoveryJob* job) {
  std::vector<FieldViolation> violations;
  job->states = StatesFromProto(proto, &violations);
  if (proto.has_start_time()) {
    job->created_from = TimeFromProto(proto.start_time(), "recovery_job.start_time", &violations);
  }
  if (proto.has_end_time()) {
    job->created_before = TimeFromProto(proto.end_time(), "recovery_job.end_time", &violations);
  }
  if (proto.has_start_time() && proto.has_end_time() && violations.empty() &&
      job->created_before <= job->created_from) {
    violations.push_back({"recovery_job.end_time", "must be after start_time"});
  }
  job->event_match = {proto.event_match().type_pattern(), proto.event_match().source(),
                      proto.event_match().subject()};
  for (FieldViolation& violation : Validate(job->event_match, "recovery_job.event_match")) {
    violations.push_back(std::move(violation));
  }
  return violations;
}

}  // namespace latchwire
