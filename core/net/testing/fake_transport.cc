#include "core/net/testing/fake_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace latchwire {

void FakeTransport::Send(HttpRequest request, Done done) {
  Reply reply = Status(200);
  if (!queued_.empty()) {
    reply = std::move(queued_.front());
    queued_.pop_front();
  } else if (handler_) {
    reply = handler_(request);
  }
  if (reply.delay > request.timeout) {
    reply = Error(TransportError::kTimeout,
                  absl::StrCat("no answer within ", absl::FormatDuration(request.timeout)),
                  request.timeout);
  }
  if (reply.result.body.size() > request.response_body_limit) {
    reply.result.body.resize(request.response_body_limit);
    reply.result.body_truncated = true;
  }
  reply.result.duration = reply.delay;
  max_in_flight_ = std::max(max_in_flight_, ++in_flight_);
  requests_.push_back(std::move(request));
  executor_->PostAfter(reply.delay,
                       [this, done = std::move(done), result = std::move(reply.result)]() mutable {
                         --in_flight_;
                         done(std::move(result));
                       });
}

FakeTransport::Reply FakeTransport::Status(int http_status, absl::Duration delay, std::string body,
                                           std::string retry_after) {
  Reply reply;
  reply.result.http_status = http_status;
  reply.result.body = std::move(body);
  reply.result.retry_after = std::move(retry_after);
  reply.result.remote_address = "192.0.2.1:443";
  reply.delay = delay;
  return reply;
}

FakeTransport::Reply FakeTransport::Error(TransportError error, std::string detail,
                                          absl::Duration delay) {
  Reply reply;
  reply.result.error = error;
  reply.result.detail = detail.empty() ? std::string(TransportErrorName(error)) : std::move(detail);
  reply.delay = delay;
  return reply;
}

const std::string* FindHeader(const HttpRequest& request, absl::string_view name) {
  for (const HttpHeader& header : request.headers) {
    if (absl::EqualsIgnoreCase(header.name, name)) return &header.value;
  }
  return nullptr;
}

}  // namespace latchwire
