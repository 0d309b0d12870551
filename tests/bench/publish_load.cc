// Unary calls from many callers at once, each of which waits for its answer before its next call:
// PublishEvent, BatchPublishEvents, or CreateWebhook. All callers run on one completion queue and
// one thread, so that the load costs as little of the machine as it can.
//
//   bench-publish --server=HOST:PORT --token=TOKEN [--callers=64] [--count=N] [--rate=N] ...
//
// Prints one JSON object: calls made, when they began and ended (CLOCK_MONOTONIC), and the
// quantiles of a call's time.
#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "latchwire/v1/event_service.grpc.pb.h"
#include "latchwire/v1/webhook_service.grpc.pb.h"
#include "tests/bench/load.h"

ABSL_FLAG(std::string, server, "", "address of the server");
ABSL_FLAG(std::string, token, "", "key of a publisher or admin");
ABSL_FLAG(int, callers, 64, "calls in flight");
ABSL_FLAG(int, connections, 8, "connections that the callers share");
ABSL_FLAG(int64_t, count, 100'000, "calls, or --seconds' end if that is sooner");
ABSL_FLAG(double, seconds, 0, "stop after this time; 0: only after --count");
ABSL_FLAG(double, rate, 0, "calls a second, started on time; 0: as fast as the answers come");
ABSL_FLAG(int, batch, 1, "events in a call; more than one takes BatchPublishEvents");
ABSL_FLAG(int, bytes, 1024, "data of an event");
ABSL_FLAG(std::string, ids, "v7", "v7: UUIDs in order of time; random: in no order");
ABSL_FLAG(std::string, type, "door.opened", "type of the events");
ABSL_FLAG(std::string, create_webhooks, "",
          "create --count webhooks with this URL instead, that match type none.<number>");

namespace latchwire::bench {
namespace {

namespace v1 = latchwire::v1;

constexpr int64_t kCallTimeoutMs = 60'000;

struct Caller {
  std::unique_ptr<v1::EventService::Stub> events;
  std::unique_ptr<v1::WebhookService::Stub> webhooks;
  std::unique_ptr<grpc::ClientContext> context;
  v1::PublishEventRequest publish;
  v1::BatchPublishEventsRequest batch;
  v1::CreateWebhookRequest create;
  v1::Event event;
  v1::BatchPublishEventsResponse batch_answer;
  v1::Webhook webhook;
  grpc::Status status;
  int64_t start_ns = 0;
};

class Load {
 public:
  Load()
      : token_("Bearer " + absl::GetFlag(FLAGS_token)),
        batch_(absl::GetFlag(FLAGS_batch)),
        bytes_(static_cast<size_t>(absl::GetFlag(FLAGS_bytes))),
        random_ids_(absl::GetFlag(FLAGS_ids) == "random"),
        type_(absl::GetFlag(FLAGS_type)),
        url_(absl::GetFlag(FLAGS_create_webhooks)),
        milliseconds_(UnixMillis()),
        random_(std::random_device()()) {
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    for (int i = 0; i < absl::GetFlag(FLAGS_connections); ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
      channels.push_back(grpc::CreateCustomChannel(absl::GetFlag(FLAGS_server),
                                                   grpc::InsecureChannelCredentials(), arguments));
    }
    for (int i = 0; i < absl::GetFlag(FLAGS_callers); ++i) {
      Caller& caller = *callers_.emplace_back(std::make_unique<Caller>());
      caller.events = v1::EventService::NewStub(channels[static_cast<size_t>(i) % channels.size()]);
      caller.webhooks =
          v1::WebhookService::NewStub(channels[static_cast<size_t>(i) % channels.size()]);
      idle_.push_back(&caller);
    }
  }

  void Run() {
    const int64_t count = absl::GetFlag(FLAGS_count);
    const double rate = absl::GetFlag(FLAGS_rate);
    const double seconds = absl::GetFlag(FLAGS_seconds);
    const int64_t start_ns = MonotonicNanos();
    const int64_t stop_ns =
        seconds > 0 ? start_ns + static_cast<int64_t>(seconds * 1e9) : INT64_MAX;
    int64_t under_way = 0;
    for (;;) {
      int64_t now = MonotonicNanos();
      const auto due = [&](int64_t call) {
        return rate > 0 ? start_ns + static_cast<int64_t>(static_cast<double>(call) * 1e9 / rate)
                        : start_ns;
      };
      while (!idle_.empty() && started_ < count && now < stop_ns && due(started_) <= now) {
        Caller* caller = idle_.back();
        idle_.pop_back();
        Start(caller);
        ++under_way;
        now = MonotonicNanos();
      }
      const bool over = started_ >= count || now >= stop_ns;
      if (over && under_way == 0) break;
      const int64_t wait_ns =
          !over && !idle_.empty() ? std::max<int64_t>(due(started_) - now, 0) : 1'000'000'000;
      void* tag = nullptr;
      bool ok = false;
      const auto deadline = std::chrono::system_clock::now() + std::chrono::nanoseconds(wait_ns);
      if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) continue;
      --under_way;
      Finish(static_cast<Caller*>(tag));
    }
    Report(start_ns, MonotonicNanos());
  }

 private:
  void Fill(v1::Event* event) {
    const uint64_t number = ++made_;
    event->set_id(random_ids_ ? MakeRandomId(&random_) : MakeV7Id(milliseconds_, number));
    event->set_type(type_);
    event->set_source("bench-panel");
    event->set_subject("door-" + std::to_string(number % 100));
    event->mutable_occur_time()->set_seconds(static_cast<int64_t>(milliseconds_ / 1000));
    event->set_json(Payload(number, MonotonicNanos(), bytes_));
  }

  void Start(Caller* caller) {
    caller->context = std::make_unique<grpc::ClientContext>();
    caller->context->AddMetadata("authorization", token_);
    caller->context->set_deadline(std::chrono::system_clock::now() +
                                  std::chrono::milliseconds(kCallTimeoutMs));
    caller->start_ns = MonotonicNanos();
    ++started_;
    if (!url_.empty()) {
      v1::Webhook* webhook = caller->create.mutable_webhook();
      webhook->Clear();
      webhook->set_url(url_);
      webhook->add_any_of()->set_type_pattern("none." + std::to_string(started_));
      caller->webhooks->AsyncCreateWebhook(caller->context.get(), caller->create, &queue_)
          ->Finish(&caller->webhook, &caller->status, caller);
    } else if (batch_ > 1) {
      caller->batch.Clear();
      for (int i = 0; i < batch_; ++i) Fill(caller->batch.add_events());
      caller->events->AsyncBatchPublishEvents(caller->context.get(), caller->batch, &queue_)
          ->Finish(&caller->batch_answer, &caller->status, caller);
    } else {
      Fill(caller->publish.mutable_event());
      caller->events->AsyncPublishEvent(caller->context.get(), caller->publish, &queue_)
          ->Finish(&caller->event, &caller->status, caller);
    }
  }

  void Finish(Caller* caller) {
    if (!caller->status.ok()) {
      if (++failed_ <= 3) {
        std::fprintf(stderr, "call failed: %d %s\n", caller->status.error_code(),
                     caller->status.error_message().c_str());
      }
    } else {
      times_ns_.push_back(MonotonicNanos() - caller->start_ns);
    }
    idle_.push_back(caller);
  }

  void Report(int64_t start_ns, int64_t end_ns) {
    const auto accepted = static_cast<int64_t>(times_ns_.size()) * std::max(batch_, 1);
    std::printf(
        "{\"accepted\":%lld,\"failed\":%lld,\"start_ns\":%lld,\"end_ns\":%lld,\"p50_ms\":%.3f,"
        "\"p99_ms\":%.3f}\n",
        static_cast<long long>(accepted), static_cast<long long>(failed_),
        static_cast<long long>(start_ns), static_cast<long long>(end_ns),
        QuantileMs(&times_ns_, 0.5), QuantileMs(&times_ns_, 0.99));
  }

  const std::string token_;
  const int batch_;
  const size_t bytes_;
  const bool random_ids_;
  const std::string type_;
  const std::string url_;
  const uint64_t milliseconds_;
  std::mt19937_64 random_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<Caller*> idle_;
  std::vector<int64_t> times_ns_;
  int64_t started_ = 0;
  int64_t failed_ = 0;
  uint64_t made_ = 0;
};

}  // namespace
}  // namespace latchwire::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  latchwire::bench::Load().Run();
}
