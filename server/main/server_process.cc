#include "server/main/server_process.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/notification.h"
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
#include "server/metrics/server_pages.h"
#include "server/metrics/stats_log.h"
#include "server/metrics/write_watch.h"
#include "server/state/change_follower.h"
#include "server/state/read_pool.h"
#include "server/state/stats_board.h"
#include "server/state/writer_thread.h"
#include "server/store/sqlite/sqlite_store.h"

namespace latchwire {
namespace {

constexpr absl::Duration kCheckpointInterval = absl::Seconds(1);
constexpr absl::Duration kJanitorInterval = absl::Seconds(5);
constexpr absl::Duration kChangePollInterval = absl::Seconds(1);
// For attempts that were cut off at the end of the drain to be recorded.
constexpr absl::Duration kLastRecords = absl::Seconds(5);

}  // namespace

// In the order in which they lean on each other: destroyed from the last to the first. Start calls
// the functions below from the first to the last, until one fails.
class ServerProcess::Parts {
 public:
  explicit Parts(DataDirLock taken) : lock(std::move(taken)) {}

  absl::Status OpenStore(const ServerConfig& config);
  absl::Status MakeFirstKeys(const ServerConfig& config);
  absl::Status MakeWriter(const ServerConfig& config);
  absl::Status MakeDelivery(const ServerConfig& config);
  void MakeApi();
  void StartThreads(const ServerConfig& config);
  absl::Status ServePages(const ServerConfig& config);
  absl::Status ServeApi(const ServerConfig& config);
  void Stop(absl::Duration drain_timeout);

  DataDirLock lock;
  std::string address;
  std::string database_path;
  std::atomic<bool> draining{false};
  std::unique_ptr<Store> store;
  Configuration configuration;
  StatsBoard stats;
  WriteWatch write_watch;
  std::optional<Writer> writer;
  AsioExecutor executor{"delivery"};
  std::optional<ThreadReadPool> reads;
  std::unique_ptr<Transport> transport;
  std::optional<Engine> engine;
  std::shared_ptr<RecoveryRunner> recovery_runner;
  std::shared_ptr<ChangeFollower> change_follower;
  std::shared_ptr<Janitor> janitor;
  std::unique_ptr<ApiServer> api;
  std::optional<WriterThread> writer_thread;
  std::optional<CheckpointThread> checkpoint_thread;
  // A thread of its own, so that neither the scrapes nor the deliveries wait for each other.
  AsioExecutor metrics_executor{"metrics"};
  std::optional<HttpPages> pages;
  std::unique_ptr<HttpServer> pages_server;
};

absl::Status ServerProcess::Parts::OpenStore(const ServerConfig& config) {
  SqliteOptions sqlite;
  database_path = absl::StrCat(config.data_dir, "/latchwire.db");
  sqlite.path = database_path;
  sqlite.read_connections = static_cast<int>(config.read_threads);
  absl::StatusOr<std::unique_ptr<Store>> opened = OpenSqliteStore(sqlite);
  if (opened.ok()) store = *std::move(opened);
  return opened.status();
}

absl::Status ServerProcess::Parts::MakeFirstKeys(const ServerConfig& config) {
  for (const FirstKey& first : kFirstKeys) {
    const absl::StatusOr<std::string> file =
        EnsureKey(store.get(), config.data_dir, first, SystemClock(), SystemRandom());
    if (!file.ok()) return file.status();
    if (!file->empty()) {
      Log(LogLevel::kInfo, absl::StrCat(RoleName(first.role), " key created"), {{"file", *file}});
    }
  }
  return absl::OkStatus();
}

absl::Status ServerProcess::Parts::MakeWriter(const ServerConfig& config) {
  if (absl::Status status = configuration.Load(store.get()); !status.ok()) return status;
  if (absl::Status status = stats.Load(store.get()); !status.ok()) return status;
  writer.emplace(store.get(), WriterOptions());
  // First of the observers: the others rely on the configuration being up to date.
  writer->AddObserver(&configuration);
  writer->AddObserver(&stats);
  writer->AddObserver(&write_watch);
  reads.emplace(store.get(), static_cast<int>(config.read_threads),
                static_cast<size_t>(config.max_queued_reads));
  return absl::OkStatus();
}

absl::Status ServerProcess::Parts::MakeDelivery(const ServerConfig& config) {
  BeastTransportOptions options;
  options.allow_networks = config.allow_networks;
  options.allow_ports = config.allow_ports;
  options.extra_trusted_pem = config.webhook_ca;
  options.dns_servers = config.dns_servers;
  transport = NewBeastTransport(&executor, options);
  engine.emplace(Engine::World{&executor, SystemClock(), SystemRandom(), &*writer, &*reads,
                               &configuration, transport.get(), &stats},
                 EngineOptions());
  engine->Start();
  recovery_runner = std::make_shared<RecoveryRunner>(&executor, SystemClock(), &*writer);
  writer->AddObserver(recovery_runner.get());
  change_follower = std::make_shared<ChangeFollower>(
      &executor, &*reads, &configuration, kChangePollInterval,
      [this](std::vector<WebhookKey> webhooks) { engine->OnForeignWork(std::move(webhooks)); });
  writer->AddObserver(change_follower.get());
  change_follower->Start();
  return recovery_runner->Start(store.get());
}

void ServerProcess::Parts::MakeApi() {
  ApiWorld world;
  world.clock = SystemClock();
  world.random = SystemRandom();
  world.writer = &*writer;
  world.reads = &*reads;
  world.configuration = &configuration;
  world.stats = &stats;
  world.executor = &executor;
  world.send_test = [sender = &*engine](std::shared_ptr<const Webhook> webhook,
                                        absl::AnyInvocable<void(HttpResult)> done) {
    sender->SendTest(std::move(webhook), std::move(done));
  };
  api = std::make_unique<ApiServer>(std::move(world),
                                    std::vector<ServiceFactory>{&IngestService::Make});
}

void ServerProcess::Parts::StartThreads(const ServerConfig& config) {
  executor.Start();
  writer_thread.emplace(&*writer);
  checkpoint_thread.emplace(store.get(), kCheckpointInterval);
  janitor = Janitor::Start({&executor, SystemClock(), &*writer, &configuration}, kJanitorInterval);
  StartStatsLog(&executor, &*engine, &*writer, config.stats_interval);
}

absl::Status ServerProcess::Parts::ServePages(const ServerConfig& config) {
  if (!config.metrics_listen) return absl::OkStatus();
  const MetricsSources metrics{&*engine,
                               &*writer,
                               &configuration,
                               &stats,
                               &api->counters(),
                               &janitor->counters(),
                               &write_watch.counters(),
                               &*reads,
                               database_path};
  pages.emplace(
      ServerPages(metrics, HealthSources{&write_watch.counters(), &*writer, &*reads, &draining}));
  const ListenAddress& listen = *config.metrics_listen;
  auto listening = HttpServer::Listen(&metrics_executor, HttpPages::ServerOptions(listen), &*pages);
  if (!listening.ok()) {
    return absl::Status(listening.status().code(), SettingError("metrics_listen", listen.ToString(),
                                                                listening.status().message()));
  }
  pages_server = *std::move(listening);
  metrics_executor.Start();
  return absl::OkStatus();
}

absl::Status ServerProcess::Parts::ServeApi(const ServerConfig& config) {
  ApiServerOptions options;
  options.listen = config.listen.ToString();
  options.reflection = config.reflection;
  if (!config.tls_certificate.empty()) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({config.tls_key, config.tls_certificate});
    options.credentials = grpc::SslServerCredentials(tls);
  }
  if (absl::Status status = api->Start(options); !status.ok()) return status;
  address = config.listen.WithPort(static_cast<uint16_t>(api->port())).ToString();
  return absl::OkStatus();
}

void ServerProcess::Parts::Stop(absl::Duration drain_timeout) {
  const absl::Duration end = SystemClock()->Monotonic() + drain_timeout;
  const auto left = [end] {
    return std::max(end - SystemClock()->Monotonic(), absl::ZeroDuration());
  };
  draining = true;
  auto drained = std::make_shared<Notification>();
  if (api != nullptr) api->BeginShutdown();
  const bool running = engine && writer_thread;
  if (running) engine->Drain([drained] { drained->Notify(); });
  if (api != nullptr) api->FinishShutdown(left());
  const bool in_time = running && drained->WaitFor(left());
  // Answers what is still in flight, which is then attempted again after the next start.
  transport.reset();
  if (running && !in_time && !drained->WaitFor(kLastRecords)) {
    Log(LogLevel::kWarning, "some outcomes were not recorded");
  }
  pages_server.reset();  // before what its pages read
  metrics_executor.Stop();
  checkpoint_thread.reset();
  if (change_follower != nullptr) change_follower->Stop();
  writer_thread.reset();
  reads.reset();
  executor.Stop();
  api.reset();
  if (engine) LogWorkDone(engine->counters());
  engine.reset();
  if (store != nullptr) store->Checkpoint().IgnoreError();
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(const ServerConfig& config) {
  absl::StatusOr<DataDirLock> lock = DataDirLock::Take(config.data_dir);
  if (!lock.ok()) return lock.status();
  // Also on the early returns below its destructor takes everything down in order.
  std::unique_ptr<ServerProcess> process(
      new ServerProcess(std::make_unique<Parts>(*std::move(lock))));
  Parts& parts = *process->parts_;
  if (absl::Status status = parts.OpenStore(config); !status.ok()) return status;
  if (absl::Status status = parts.MakeFirstKeys(config); !status.ok()) return status;
  if (absl::Status status = parts.MakeWriter(config); !status.ok()) return status;
  if (absl::Status status = parts.MakeDelivery(config); !status.ok()) return status;
  parts.MakeApi();
  parts.StartThreads(config);
  if (absl::Status status = parts.ServePages(config); !status.ok()) return status;
  if (absl::Status status = parts.ServeApi(config); !status.ok()) return status;
  return process;
}

ServerProcess::ServerProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ServerProcess::~ServerProcess() {
  if (parts_ != nullptr) Stop(absl::ZeroDuration());
}

std::string ServerProcess::address() const { return parts_->address; }

std::string ServerProcess::metrics_address() const {
  return parts_->pages_server != nullptr ? parts_->pages_server->Address() : "";
}

void ServerProcess::Stop(absl::Duration drain_timeout) {
  parts_->Stop(drain_timeout);
  parts_.reset();
}

}  // namespace latchwire
