#include "edge-agent/main/agent.h"

#include <chrono>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "core/net/asio_executor.h"
#include "core/net/http_server.h"
#include "edge-agent/sources/http_source.h"
#include "edge-agent/sources/router.h"
#include "edge-agent/spool/spool.h"
#include "edge-agent/uplink/event_codec.h"
#include "edge-agent/uplink/grpc_ingest_stream.h"
#include "edge-agent/uplink/set_aside.h"
#include "edge-agent/uplink/uplink.h"

namespace latchwire::edge {
namespace {

void LogWarning(absl::string_view text) { Log(LogLevel::kWarning, text); }

constexpr uint64_t kMaxSetAsideBytes = 16 * 1024 * 1024;
constexpr uint64_t kRememberedEvents = 4096;  // per lane
constexpr std::chrono::seconds kStopPatience{10};

// Anything that a cloned card would not take along: the machine's id and its board's serial number.
std::string MachineIdentity() {
  std::string text;
  for (const char* path : {"/etc/machine-id", "/sys/firmware/devicetree/base/serial-number"}) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    absl::StrAppend(&text, content.str(), "/");
  }
  return HexEncode(AsBytes(Sha256(text)));
}

// One thing that happens later, waited for.
class Signal {
 public:
  void Set() {
    MutexLock lock(&mutex_);
    set_ = true;
    changed_.NotifyAll();
  }
  // False when the patience ran out.
  bool Wait() {
    MutexLock lock(&mutex_);
    while (!set_) {
      if (!changed_.WaitFor(&mutex_, kStopPatience)) return set_;
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

class SpoolSink : public EventSink {
 public:
  explicit SpoolSink(Spool* spool) : spool_(spool) {}
  void Accept(std::vector<Event> events, absl::AnyInvocable<void(absl::Status)> done) override {
    std::vector<SpoolRecord> records;
    for (const Event& event : events) {
      records.push_back({LaneOfPriority(event.priority), EncodeEvent(event)});
    }
    spool_->Append(std::move(records), std::move(done));
  }

 private:
  Spool* const spool_;
};

// A panel that got no answer before the agent died sends again what the spool has.
void RememberHeld(Spool* spool, IntakeRouter* router) {
  for (const SpoolEpoch& epoch : spool->Epochs()) {
    for (int lane = 0; lane < kSpoolLanes; ++lane) {
      const uint64_t last = epoch.lanes[lane].last;
      uint64_t after = last > kRememberedEvents ? last - kRememberedEvents : 0;
      for (;;) {
        const auto records = spool->Read(epoch.epoch, lane, after, 256, 1024 * 1024);
        if (records.empty()) break;
        after = records.back().sequence;
        for (const SpooledRecord& record : records) {
          if (const auto event = DecodeEventIdentity(record.payload)) router->Remember(*event);
        }
      }
    }
  }
}

}  // namespace

// In the order of construction; taken down the other way round.
struct Agent::Parts {
  AsioExecutor disk_executor;    // may block on the disk
  AsioExecutor uplink_executor;  // reads from the disk too
  std::unique_ptr<Spool> spool;
  std::unique_ptr<IngestConnector> connector;
  std::unique_ptr<SetAside> set_aside;
  std::unique_ptr<Uplink> uplink;
  std::unique_ptr<EventSink> sink;
  std::unique_ptr<IntakeRouter> router;
  AsioExecutor intake_executor{"intake"};
  std::unique_ptr<HttpSource> source;
  std::unique_ptr<HttpServer> server;
};

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Agent::~Agent() { Stop(); }

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentConfig& config) {
  GrpcIngestOptions grpc_options;
  grpc_options.server = config.server;
  grpc_options.key = std::string(absl::StripAsciiWhitespace(config.key));
  grpc_options.tls = config.tls;
  grpc_options.root_certificates = config.root_certificates;

  auto parts = std::make_unique<Parts>();
  SpoolOptions spool_options;
  spool_options.directory = config.spool_directory;
  spool_options.max_bytes = static_cast<uint64_t>(config.spool_max_bytes);
  spool_options.segment_bytes = static_cast<uint64_t>(config.spool_segment_bytes);
  spool_options.machine_identity = MachineIdentity();
  spool_options.warn = LogWarning;
  auto spool =
      Spool::Open(spool_options, PosixSpoolFileSystem(), &parts->disk_executor, SystemRandom());
  if (!spool.ok()) {
    return absl::Status(
        spool.status().code(),
        SettingError("spool.directory", config.spool_directory, spool.status().message()));
  }
  parts->spool = *std::move(spool);
  parts->connector = MakeGrpcIngestConnector(grpc_options, &parts->uplink_executor);
  parts->set_aside = std::make_unique<SetAsideFile>(
      absl::StrCat(config.spool_directory, "/rejected.log"), kMaxSetAsideBytes);
  UplinkOptions uplink_options;
  uplink_options.agent = config.agent;
  uplink_options.version = LATCHWIRE_VERSION;
  uplink_options.max_backoff = absl::Milliseconds(config.max_backoff_ms);
  uplink_options.info = [](absl::string_view text) { Log(LogLevel::kInfo, text); };
  uplink_options.warn = LogWarning;
  parts->uplink = std::make_unique<Uplink>(uplink_options, parts->spool.get(),
                                           parts->connector.get(), parts->set_aside.get(),
                                           &parts->uplink_executor, SystemClock(), SystemRandom());
  parts->sink = std::make_unique<SpoolSink>(parts->spool.get());
  parts->router = std::make_unique<IntakeRouter>(
      config.intake, parts->sink.get(), SystemClock(), SystemRandom(), [raw = parts.get()] {
        const SpoolStats spool_stats = raw->spool->Stats();
        const UplinkStats uplink_stats = raw->uplink->Stats();
        const IntakeStats intake_stats = raw->router->Stats();
        return absl::StrCat(",\"connected\":", uplink_stats.connected ? "true" : "false",
                            ",\"held_events\":", spool_stats.held_records,
                            ",\"spool_bytes\":", spool_stats.bytes,
                            ",\"accepted_events\":", intake_stats.accepted_events,
                            ",\"acked_events\":", uplink_stats.acked_events,
                            ",\"rejected_events\":", uplink_stats.rejected_events,
                            ",\"dropped_events\":", uplink_stats.dropped_events,
                            ",\"refused_requests\":", intake_stats.refused_requests);
      });
  RememberHeld(parts->spool.get(), parts->router.get());
  const SpoolStats held = parts->spool->Stats();
  if (held.held_records > 0) {
    Log(LogLevel::kInfo, "events wait to be sent", {{"held_events", held.held_records}});
  }

  HttpServerOptions http_options;
  http_options.listen = config.listen.ToString();
  http_options.access = [](const HttpAccess& access) {
    Log(LogLevel::kDebug, "answered a device",
        {{"peer", access.peer},
         {"method", access.method},
         {"path", access.path},
         {"status", access.status}});
  };
  parts->source = std::make_unique<HttpSource>(parts->router.get());
  auto server = HttpServer::Listen(&parts->intake_executor, http_options, parts->source.get());
  if (!server.ok()) {
    return absl::Status(server.status().code(), SettingError("listen", config.listen.ToString(),
                                                             server.status().message()));
  }
  parts->server = *std::move(server);

  parts->disk_executor.Start();
  parts->uplink_executor.Start();
  parts->uplink->Start();
  parts->intake_executor.Start();
  return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

std::string Agent::ListenAddress() const { return parts_->server->Address(); }
uint16_t Agent::ListenPort() const { return parts_->server->Port(); }

void Agent::Stop() {
  if (parts_ == nullptr) return;
  auto intake_done = std::make_shared<Signal>();
  parts_->server->Stop([intake_done] { intake_done->Set(); });
  if (!intake_done->Wait()) LogWarning("some devices were not answered in time");
  parts_->server.reset();
  parts_->intake_executor.Stop();
  auto uplink_done = std::make_shared<Signal>();
  parts_->uplink->Stop([uplink_done] { uplink_done->Set(); });
  if (!uplink_done->Wait()) LogWarning("the stream to the server did not end in time");
  auto spool_done = std::make_shared<Signal>();
  parts_->spool->Close([spool_done](absl::Status status) {
    if (!status.ok()) {
      Log(LogLevel::kWarning, "the spool was not closed cleanly", {{"error", status.message()}});
    }
    spool_done->Set();
  });
  if (!spool_done->Wait()) LogWarning("the disk did not finish in time");
  parts_->uplink_executor.Stop();
  parts_->disk_executor.Stop();
  parts_.reset();
}

}  // namespace latchwire::edge
