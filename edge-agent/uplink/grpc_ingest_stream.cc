#include "edge-agent/uplink/grpc_ingest_stream.h"

#include <grpcpp/grpcpp.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "latchwire/agent/v1/ingest_service.grpc.pb.h"

namespace latchwire::edge {
namespace {

using agent::v1::ConnectRequest;
using agent::v1::ConnectResponse;
using agent::v1::IngestService;

absl::Status ToAbslStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  absl::Status result(code, status.error_message());
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return result;
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::ErrorInfo info;
    if (!any.UnpackTo(&info)) continue;
    std::map<std::string, std::string> metadata(info.metadata().begin(), info.metadata().end());
    result = MakeError(code, info.reason(), status.error_message(), std::move(metadata));
  }
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::RetryInfo retry;
    if (!any.UnpackTo(&retry)) continue;
    result = WithRetryAfter(std::move(result), absl::Seconds(retry.retry_delay().seconds()) +
                                                   absl::Nanoseconds(retry.retry_delay().nanos()));
  }
  return result;
}

// Shared by its user and, from Start until gRPC's last word, by itself.
class GrpcIngestStream : public IngestStream,
                         public grpc::ClientBidiReactor<ConnectRequest, ConnectResponse>,
                         public std::enable_shared_from_this<GrpcIngestStream> {
 public:
  GrpcIngestStream(Executor* executor, Callbacks callbacks)
      : executor_(executor), callbacks_(std::make_shared<Callbacks>(std::move(callbacks))) {}

  void Start(IngestService::Stub* stub, const std::string& key) {
    self_ = shared_from_this();
    context_.AddMetadata("authorization", absl::StrCat("Bearer ", key));
    stub->async()->Connect(&context_, this);
    StartRead(&response_);
    AddHold();  // for writes, which start outside of gRPC's callbacks
    StartCall();
  }

  void Write(ConnectRequest request) override {
    MutexLock lock(&mutex_);
    if (broken_) return;
    request_ = std::move(request);
    StartWrite(&request_);
  }

  void FinishWrites() override {
    MutexLock lock(&mutex_);
    if (!broken_) StartWritesDone();
  }

  void Cancel() override { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      {
        MutexLock lock(&mutex_);
        broken_ = true;
      }
      RemoveHold();
      return;
    }
    executor_->Post([callbacks = callbacks_, response = std::move(response_)]() mutable {
      callbacks->on_message(std::move(response));
    });
    response_.Clear();
    StartRead(&response_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;  // the read fails too
    executor_->Post([callbacks = callbacks_] { callbacks->on_written(); });
  }

  void OnDone(const grpc::Status& status) override {
    executor_->Post(
        [callbacks = callbacks_, result = ToAbslStatus(status)] { callbacks->on_done(result); });
    const std::shared_ptr<GrpcIngestStream> last = std::move(self_);
  }

 private:
  Executor* const executor_;
  const std::shared_ptr<Callbacks> callbacks_;
  grpc::ClientContext context_;
  ConnectResponse response_;
  std::shared_ptr<GrpcIngestStream> self_;
  Mutex mutex_;
  ConnectRequest request_ ABSL_GUARDED_BY(mutex_);
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
};

class GrpcIngestConnector : public IngestConnector {
 public:
  GrpcIngestConnector(GrpcIngestOptions options, Executor* executor)
      : options_(std::move(options)), executor_(executor) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    // The uplink has its own backoff; the channel's must not add minutes to it.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);  // also the time to connect
    std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
    if (options_.tls) {
      grpc::SslCredentialsOptions ssl;
      ssl.pem_root_certs = options_.root_certificates;
      credentials = grpc::SslCredentials(ssl);
    }
    stub_ =
        IngestService::NewStub(grpc::CreateCustomChannel(options_.server, credentials, arguments));
  }

  std::shared_ptr<IngestStream> Connect(IngestStream::Callbacks callbacks) override {
    auto stream = std::make_shared<GrpcIngestStream>(executor_, std::move(callbacks));
    stream->Start(stub_.get(), options_.key);
    return stream;
  }

 private:
  const GrpcIngestOptions options_;
  Executor* const executor_;
  std::unique_ptr<IngestService::Stub> stub_;
};

}  // namespace

std::unique_ptr<IngestConnector> MakeGrpcIngestConnector(GrpcIngestOptions options,
                                                         Executor* executor) {
  return std::make_unique<GrpcIngestConnector>(std::move(options), executor);
}

}  // namespace latchwire::edge
