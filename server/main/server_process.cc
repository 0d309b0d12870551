#include "server/main/server_process.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "core/base/random.h"
#include "core/net/asio_executor.h"
#include "core/net/beast_transport.h"
#include "core/net/http_pages.h"
#include "server/api/server.h"
#include "server/delivery/engine.h"
#include "server/ingest/ingest_service.h"
#include "server/jobs/janitor.h"
#include "server/jobs/recovery_runner.h"
#include "server/main/data_dir.h"
#include "server/metrics/server_metrics.h"
#include "server/metrics/stats_log.h"
#include "server/metrics/write_watch.h"
#include "server/state/read_pool.h"
#include "server/state/stats_board.h"
#include "server/state/writer_thread.h"
#include "server/store/sqlite/sqlite_store.h"

namespace latchwire {
namespace {

constexpr absl::Duration kCheckpointInterval = absl::Seconds(1);
constexpr absl::Duration kJanitorInterval = absl::Seconds(5);
// For attempts that were cut off at the end of the drain to be recorded.
constexpr absl::Duration kLastRecords = absl::Seconds(5);

// A flag that a thread can wait for.
class Latch {
 public:
  void Set() {
    MutexLock lock(&mutex_);
    set_ = true;
    changed_.NotifyAll();
  }
  bool WaitFor(absl::Duration timeout) {
    const absl::Duration end = SystemClock()->Monotonic() + timeout;
    MutexLock lock(&mutex_);
    while (!set_) {
      const absl::Duration left = end - SystemClock()->Monotonic();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(left));
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

// On a thread of its own, so that neither the scrapes nor the deliveries wait for each other.
absl::StatusOr<std::unique_ptr<HttpServer>> ServeMetrics(AsioExecutor* executor,
                                                         const ListenAddress& listen,
                                                         HttpPages* pages) {
  auto server = HttpServer::Listen(executor, HttpPages::ServerOptions(listen), pages);
  if (!server.ok()) {
    return absl::Status(server.status().code(), SettingError("metrics_listen", listen.ToString(),
                                                             server.status().message()));
  }
  executor->Start();
  Log(LogLevel::kInfo, "serving metrics", {{"metrics_address", (*server)->Address()}});
  return server;
}

}  // namespace

// In the order in which they lean on each other: destroyed from the last to the first.
class ServerProcess::Parts {
 public:
  explicit Parts(DataDirLock taken) : lock(std::move(taken)) {}

  DataDirLock lock;
  std::string address;
  std::unique_ptr<Store> store;
  Configuration configuration;
  StatsBoard stats;
  WriteWatch write_watch;
  std::optional<Writer> writer;
  AsioExecutor executor;
  std::optional<ThreadReadPool> reads;
  std::unique_ptr<Transport> transport;
  std::optional<Engine> engine;
  std::shared_ptr<RecoveryRunner> recovery_runner;
  std::shared_ptr<Janitor> janitor;
  std::unique_ptr<ApiServer> api;
  std::optional<WriterThread> writer_thread;
  std::optional<CheckpointThread> checkpoint_thread;
  AsioExecutor metrics_executor{"metrics"};
  std::optional<HttpPages> metrics_pages;
  std::unique_ptr<HttpServer> metrics;
};

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(const ServerConfig& config) {
  absl::StatusOr<DataDirLock> lock = DataDirLock::Take(config.data_dir);
  if (!lock.ok()) return lock.status();
  // Also on the early returns below its destructor takes everything down in order.
  std::unique_ptr<ServerProcess> process(
      new ServerProcess(std::make_unique<Parts>(*std::move(lock))));
  Parts& parts = *process->parts_;

  SqliteOptions sqlite;
  sqlite.path = absl::StrCat(config.data_dir, "/latchwire.db");
  sqlite.read_connections = static_cast<int>(config.read_threads);
  absl::StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore(sqlite);
  if (!store.ok()) return store.status();
  parts.store = *std::move(store);

  for (const FirstKey& first : kFirstKeys) {
    const absl::StatusOr<std::string> file =
        EnsureKey(parts.store.get(), config.data_dir, first, SystemClock(), SystemRandom());
    if (!file.ok()) return file.status();
    if (!file->empty()) {
      Log(LogLevel::kInfo, absl::StrCat(RoleName(first.role), " key created"), {{"file", *file}});
    }
  }

  if (absl::Status status = parts.configuration.Load(parts.store.get()); !status.ok())
    return status;
  if (absl::Status status = parts.stats.Load(parts.store.get()); !status.ok()) return status;
  parts.writer.emplace(parts.store.get(), WriterOptions());
  // First of the observers: the others rely on the configuration being up to date.
  parts.writer->AddObserver(&parts.configuration);
  parts.writer->AddObserver(&parts.stats);
  parts.writer->AddObserver(&parts.write_watch);
  parts.reads.emplace(parts.store.get(), static_cast<int>(config.read_threads),
                      static_cast<size_t>(config.max_queued_reads));
  BeastTransportOptions transport;
  transport.allow_networks = config.allow_networks;
  transport.allow_ports = config.allow_ports;
  transport.extra_trusted_pem = config.webhook_ca;
  transport.dns_servers = config.dns_servers;
  parts.transport = NewBeastTransport(&parts.executor, transport);
  parts.engine.emplace(
      Engine::World{&parts.executor, SystemClock(), SystemRandom(), &*parts.writer, &*parts.reads,
                    &parts.configuration, parts.transport.get(), &parts.stats},
      EngineOptions());
  parts.engine->Start();
  parts.recovery_runner =
      std::make_shared<RecoveryRunner>(&parts.executor, SystemClock(), &*parts.writer);
  parts.writer->AddObserver(parts.recovery_runner.get());
  if (absl::Status status = parts.recovery_runner->Start(parts.store.get()); !status.ok()) {
    return status;
  }

  ApiWorld world;
  world.clock = SystemClock();
  world.random = SystemRandom();
  world.writer = &*parts.writer;
  world.reads = &*parts.reads;
  world.configuration = &parts.configuration;
  world.stats = &parts.stats;
  world.executor = &parts.executor;
  world.send_test = [engine = &*parts.engine](std::shared_ptr<const Webhook> webhook,
                                              absl::AnyInvocable<void(HttpResult)> done) {
    engine->SendTest(std::move(webhook), std::move(done));
  };
  parts.api = std::make_unique<ApiServer>(std::move(world),
                                          std::vector<ServiceFactory>{&IngestService::Make});

  parts.executor.Start();
  parts.writer_thread.emplace(&*parts.writer);
  parts.checkpoint_thread.emplace(parts.store.get(), kCheckpointInterval);
  parts.janitor = Janitor::Start(
      {&parts.executor, SystemClock(), &*parts.writer, &parts.configuration}, kJanitorInterval);
  StartStatsLog(&parts.executor, &*parts.engine, &*parts.writer, config.stats_interval);

  if (config.metrics_listen) {
    const MetricsSources sources{&*parts.engine,
                                 &*parts.writer,
                                 &parts.configuration,
                                 &parts.stats,
                                 &parts.api->counters(),
                                 &parts.janitor->counters(),
                                 &parts.write_watch.counters(),
                                 &*parts.reads,
                                 sqlite.path};
    parts.metrics_pages.emplace(HttpPages::Pages{
        {"/metrics", [sources] {
           return HttpResponse{
               200, std::string(MetricsText::kContentType), {}, ServerMetrics(sources)};
         }}});
    auto metrics =
        ServeMetrics(&parts.metrics_executor, *config.metrics_listen, &*parts.metrics_pages);
    if (!metrics.ok()) return metrics.status();
    parts.metrics = *std::move(metrics);
  }

  ApiServerOptions options;
  options.listen = config.listen.ToString();
  options.reflection = config.reflection;
  if (!config.tls_certificate.empty()) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({config.tls_key, config.tls_certificate});
    options.credentials = grpc::SslServerCredentials(tls);
  }
  if (absl::Status status = parts.api->Start(options); !status.ok()) return status;
  parts.address = config.listen.WithPort(static_cast<uint16_t>(parts.api->port())).ToString();
  return process;
}

ServerProcess::ServerProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ServerProcess::~ServerProcess() {
  if (parts_ != nullptr) Stop(absl::ZeroDuration());
}

std::string ServerProcess::address() const { return parts_->address; }

void ServerProcess::Stop(absl::Duration drain_timeout) {
  const absl::Duration end = SystemClock()->Monotonic() + drain_timeout;
  const auto left = [end] {
    return std::max(end - SystemClock()->Monotonic(), absl::ZeroDuration());
  };
  Parts& parts = *parts_;
  auto drained = std::make_shared<Latch>();
  if (parts.api != nullptr) parts.api->BeginShutdown();
  const bool running = parts.engine && parts.writer_thread;
  if (running) parts.engine->Drain([drained] { drained->Set(); });
  if (parts.api != nullptr) parts.api->FinishShutdown(left());
  const bool in_time = running && drained->WaitFor(left());
  // Answers what is still under way, which is then attempted again after the next start.
  parts.transport.reset();
  if (running && !in_time && !drained->WaitFor(kLastRecords)) {
    Log(LogLevel::kWarning, "some outcomes were not recorded");
  }
  parts.metrics.reset();  // before what it reads
  parts.metrics_executor.Stop();
  parts.checkpoint_thread.reset();
  parts.writer_thread.reset();
  parts.reads.reset();
  parts.executor.Stop();
  parts.api.reset();
  if (parts.engine) LogWorkDone(parts.engine->counters());
  parts.engine.reset();
  if (parts.store != nullptr) parts.store->Checkpoint().IgnoreError();
  parts_.reset();
}

}  // namespace latchwire
