#include "edge-agent/main/agent.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/crypto.h"
#include "core/base/log.h"
#include "core/base/notification.h"
#include "core/base/version.h"
#include "core/net/asio_executor.h"
#include "core/program/metrics_text.h"
#include "edge-agent/main/agent_pages.h"
#include "edge-agent/main/spool_sink.h"
#include "edge-agent/sources/http_source.h"
#include "edge-agent/sources/intake.h"
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
constexpr absl::Duration kStopPatience = absl::Seconds(10);

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

// A device that got no answer before the agent died sends again what the spool has.
void RememberHeld(Spool* spool, Intake* intake) {
  for (const SpoolEpoch& epoch : spool->Epochs()) {
    for (int lane = 0; lane < kSpoolLanes; ++lane) {
      const uint64_t last = epoch.lanes[lane].last;
      uint64_t after = last > kRememberedEvents ? last - kRememberedEvents : 0;
      for (;;) {
        const auto records = spool->Read(epoch.epoch, lane, after, 256, 1024 * 1024);
        if (records.empty()) break;
        after = records.back().sequence;
        for (const SpooledRecord& record : records) {
          if (const auto event = DecodeEventIdentity(record.payload)) intake->Remember(*event);
        }
      }
    }
  }
}

}  // namespace

// In the order of construction; taken down the other way round.
struct Agent::Parts {
  explicit Parts(const AgentConfig& config)
      : spool_max_bytes(static_cast<uint64_t>(config.spool_max_bytes)),
        watch(spool_max_bytes, SystemClock()) {}

  absl::Status OpenSpool(const AgentConfig& config);
  void MakeUplink(const AgentConfig& config);
  absl::Status OpenSources(const AgentConfig& config);
  HttpPages::Pages Pages() const;
  AgentReport Report() const;

  AsioExecutor disk_executor{"disk"};      // may block on the disk
  AsioExecutor uplink_executor{"uplink"};  // reads from the disk too
  const uint64_t spool_max_bytes;
  std::unique_ptr<Spool> spool;
  std::unique_ptr<IngestConnector> connector;
  std::unique_ptr<SetAside> set_aside;
  std::unique_ptr<Uplink> uplink;
  StoreWatch watch;
  std::unique_ptr<EventSink> sink;
  std::unique_ptr<Intake> intake;
  RefusalLog refusals{SystemClock()};
  std::vector<std::unique_ptr<Source>> sources;
  HttpSource* http = nullptr;  // one of them
};

absl::Status Agent::Parts::OpenSpool(const AgentConfig& config) {
  SpoolOptions options;
  options.directory = config.spool_directory;
  options.max_bytes = spool_max_bytes;
  options.segment_bytes = static_cast<uint64_t>(config.spool_segment_bytes);
  options.machine_identity = MachineIdentity();
  options.warn = LogWarning;
  auto opened = Spool::Open(options, PosixSpoolFileSystem(), &disk_executor, SystemRandom());
  if (!opened.ok()) {
    return absl::Status(
        opened.status().code(),
        SettingError("spool.directory", config.spool_directory, opened.status().message()));
  }
  spool = *std::move(opened);
  const SpoolStats held = spool->Stats();
  if (held.held_records > 0) {
    Log(LogLevel::kInfo, "the spool holds unsent events", {{"held_events", held.held_records}});
  }
  return absl::OkStatus();
}

void Agent::Parts::MakeUplink(const AgentConfig& config) {
  GrpcIngestOptions grpc;
  grpc.server = config.server;
  grpc.key = std::string(absl::StripAsciiWhitespace(config.key));
  grpc.tls = config.tls;
  grpc.root_certificates = config.root_certificates;
  connector = MakeGrpcIngestConnector(std::move(grpc), &uplink_executor);
  set_aside = std::make_unique<SetAsideFile>(absl::StrCat(config.spool_directory, "/rejected.log"),
                                             kMaxSetAsideBytes);
  UplinkOptions options;
  options.agent = config.agent;
  options.version = std::string(LatchwireVersion());
  options.max_backoff = absl::Milliseconds(config.max_backoff_ms);
  options.info = [](absl::string_view text) { Log(LogLevel::kInfo, text); };
  options.warn = LogWarning;
  uplink = std::make_unique<Uplink>(options, spool.get(), connector.get(), set_aside.get(),
                                    &uplink_executor, SystemClock(), SystemRandom());
}

absl::Status Agent::Parts::OpenSources(const AgentConfig& config) {
  sink = std::make_unique<SpoolSink>(spool.get(), &watch);
  auto made = Intake::Make(config.intake, sink.get(), SystemClock(), SystemRandom());
  if (!made.ok()) return made.status();
  intake = *std::move(made);
  RememberHeld(spool.get(), intake.get());

  HttpServerOptions options;
  options.listen = config.listen;
  options.access = [](const HttpAccess& access) {
    Log(LogLevel::kDebug, "answered a device",
        {{"peer", access.peer},
         {"method", access.method},
         {"path", access.path},
         {"status", access.status}});
  };
  auto opened = HttpSource::Listen(std::move(options), intake.get(), &refusals, Pages());
  if (!opened.ok()) {
    return absl::Status(opened.status().code(), SettingError("listen", config.listen.ToString(),
                                                             opened.status().message()));
  }
  http = opened->get();
  sources.push_back(*std::move(opened));
  return absl::OkStatus();
}

HttpPages::Pages Agent::Parts::Pages() const {
  HttpPages::Pages pages;
  pages["/healthz"] = [this] {
    return HttpResponse{200, std::string(Health::kContentType), {}, HealthzPage(Report())};
  };
  pages["/readyz"] = [this] {
    const Health health = JudgeHealth(Report());
    return HttpResponse{
        health.HttpStatus(), std::string(Health::kContentType), {}, health.ToJson()};
  };
  pages["/status"] = [this] {
    return HttpResponse{200, std::string(Health::kContentType), {}, StatusPage(Report())};
  };
  pages["/metrics"] = [this] {
    return HttpResponse{200, std::string(MetricsText::kContentType), {}, MetricsPage(Report())};
  };
  return pages;
}

AgentReport Agent::Parts::Report() const {
  AgentReport report;
  report.spool = spool->Stats();
  report.spool_max_bytes = spool_max_bytes;
  report.store = watch.Judge(report.spool.bytes);
  report.uplink = uplink->Stats();
  for (const auto& source : sources) {
    report.sources.push_back({std::string(source->name()), source->Address(), source->Stats()});
  }
  report.families = intake->Stats();
  report.refusals = refusals.Counts();
  report.last_refusals = refusals.Recent();
  return report;
}

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Agent::~Agent() { Stop(); }

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentConfig& config) {
  auto parts = std::make_unique<Parts>(config);
  if (absl::Status status = parts->OpenSpool(config); !status.ok()) return status;
  parts->MakeUplink(config);
  if (absl::Status status = parts->OpenSources(config); !status.ok()) return status;
  for (const DialectRow& row : DialectTable()) {
    const std::vector<const DialectRow*> families = parts->intake->Families();
    if (std::find(families.begin(), families.end(), &row) == families.end()) {
      Log(LogLevel::kInfo, "a device family is off: it is not configured", {{"family", row.name}});
    }
  }
  for (const std::string& warning : parts->intake->Warnings()) LogWarning(warning);

  parts->disk_executor.Start();
  parts->uplink_executor.Start();
  parts->uplink->Start();
  for (const auto& source : parts->sources) source->Start();
  return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

std::string Agent::ListenAddress() const { return parts_->http->Address(); }
uint16_t Agent::ListenPort() const { return parts_->http->Port(); }

void Agent::Stop() {
  if (parts_ == nullptr) return;
  for (const auto& source : parts_->sources) source->Stop();
  auto uplink_done = std::make_shared<Notification>();
  parts_->uplink->Stop([uplink_done] { uplink_done->Notify(); });
  if (!uplink_done->WaitFor(kStopPatience))
    LogWarning("the stream to the server did not end in time");
  auto spool_done = std::make_shared<Notification>();
  parts_->spool->Close([spool_done](absl::Status status) {
    if (!status.ok()) {
      Log(LogLevel::kWarning, "the spool was not closed cleanly", {{"error", status.message()}});
    }
    spool_done->Notify();
  });
  if (!spool_done->WaitFor(kStopPatience)) LogWarning("the disk did not finish in time");
  parts_->uplink_executor.Stop();
  parts_->disk_executor.Stop();
  parts_.reset();
}

}  // namespace latchwire::edge
