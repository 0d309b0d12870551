// How many events per second the SQLite store takes through their whole life on this file system:
// stored with their deliveries, then their outcomes recorded, each batch in one fsynced
// transaction.
//
//   bench-store FOLDER [events] [batch] [webhooks] [targets] [agent|publisher|caller] [keep]
//
// agent: ids are UUIDv7, and the agent's cursor is what makes resending harmless; publisher: the
// same ids, deduplicated; caller: ids in no order, deduplicated. With `keep` the data is small, and
// FOLDER/latchwire.db is left as a stopped server would leave it: full, for a server to start on.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/id.h"
#include "core/base/random.h"
#include "server/store/sqlite/sqlite_store.h"

namespace latchwire {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr absl::Duration kStep = absl::Milliseconds(10);  // from batch to batch, in the events

struct Load {
  int64_t events = 200'000;
  int batch = 512;
  int webhooks = 100;
  int targets = 1;  // webhooks of each event
  bool publisher = false;
  bool random_ids = false;
  bool keep = false;
  size_t filler = 200;
};

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// CPU time of the whole process.
double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return time.tv_sec + time.tv_usec * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

class Bench {
 public:
  Bench(Store* store, Load load) : store_(*store), load_(load) {
    if (load_.keep) now_ = absl::Now() - load_.events / load_.batch * kStep;
    for (int i = 0; i < load_.webhooks; ++i) {
      CreateWebhook create;
      create.webhook.key.tenant = kDefaultTenant;
      create.webhook.id = absl::StrCat("webhook-", i);
      if (load_.keep) create.webhook.state = WebhookState::kDisabled;  // gets no new events
      generation_ = Write(std::move(create)).generation;
    }
    AcquireLeases acquire;
    acquire.owner = "bench";
    acquire.now = now_;
    acquire.duration = absl::Hours(1000);
    fences_ = Write(std::move(acquire)).fences;
  }

  // As a server that stops: the last outcomes are recorded, the leases given up.
  void Finish() {
    Write(std::move(outcomes_));
    Write(ReleaseLeases{"bench"});
  }

  // Appends one batch and records the outcomes of the one before, as a busy server does.
  void Step() {
    const Mutation mutations[] = {Append(), std::move(outcomes_)};
    MutationResult results[2];
    Check(store_.Write(mutations, absl::MakeSpan(results)));
    for (const MutationResult& result : results) Check(result.status());
    outcomes_ = RecordOutcomes();
    const auto& events = std::get<AppendPublished>(mutations[0]).events;
    const auto& stored = ResultOf<AppendPublished>(results[0]).events;
    for (size_t i = 0; i < events.size(); ++i) {
      for (const DeliveryTarget& target : events[i].targets) {
        DeliveryOutcome& outcome = outcomes_.outcomes.emplace_back();
        outcome.key = {{kDefaultTenant, target.webhook_uid}, stored[i].number};
        outcome.state = DeliveryState::kSucceeded;
        outcome.attempt.number = 1;
        outcome.attempt.start_time = now_;
        outcome.attempt.duration = absl::Milliseconds(12);
        outcome.attempt.http_status = 200;
        outcome.fence = fences_[PartitionOf(outcome.key.webhook)];
      }
    }
  }

 private:
  template <typename M>
  typename M::Result Write(M mutation) {
    auto result = WriteOne(store_, std::move(mutation));
    Check(result.status());
    return *std::move(result);
  }

  AppendPublished Append() {
    AppendPublished append;
    append.tenant = kDefaultTenant;
    append.generation = generation_;
    now_ += kStep;
    append.now = now_;
    for (int i = 0; i < load_.batch; ++i) {
      NewEvent& incoming = append.events.emplace_back();
      incoming.event = std::make_shared<Event>();
      incoming.deduplicate = load_.publisher;
      Event& event = *incoming.event;
      event.id = Uuid::MakeV7(now_, &random_).ToString();
      // Its last part is random: put first, it is in no order.
      if (load_.random_ids) event.id = absl::StrCat(event.id.substr(19), event.id.substr(0, 19));
      event.type = "log.access_granted_by_api_call";
      event.canonical_type = "access.granted";
      event.source = absl::StrCat("panel-", next_ % 500);
      event.subject = "door-1";
      event.occur_time = now_;
      event.receive_time = now_;
      event.attributes = {{"origin", "api"}};
      event.data = absl::StrCat(R"({"event":"access_granted","sequence":)", next_, R"(,"filler":")",
                                std::string(load_.filler, 'x'), R"("})");
      for (int j = 0; j < load_.targets; ++j) {
        incoming.targets.emplace_back().webhook_uid = 1 + (next_ + j) % load_.webhooks;
      }
      ++next_;
    }
    return append;
  }

  Store& store_;
  const Load load_;
  SeededRandom random_{1};
  absl::Time now_ = absl::FromUnixSeconds(1'767'225'600);
  int64_t generation_ = 0;
  int64_t next_ = 0;
  std::array<int64_t, kPartitionCount> fences_{};
  RecordOutcomes outcomes_;
};

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: bench-store FOLDER [events] [batch] [webhooks] [targets] "
                 "[agent|publisher|caller] [keep]\n");
    return 2;
  }
  Load load;
  if (argc > 2) load.events = std::atoll(argv[2]);
  if (argc > 3) load.batch = std::atoi(argv[3]);
  if (argc > 4) load.webhooks = std::atoi(argv[4]);
  if (argc > 5) load.targets = std::atoi(argv[5]);
  if (argc > 6) {
    load.random_ids = std::string(argv[6]) == "caller";
    load.publisher = load.random_ids || std::string(argv[6]) == "publisher";
  }
  load.keep = argc > 7 && std::string(argv[7]) == "keep";
  if (load.keep) load.filler = 10;

  SqliteOptions options;
  options.path = absl::StrCat(argv[1], load.keep ? "/latchwire.db" : "/bench-store.db");
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(options.path + suffix);
  auto store = OpenSqliteStore(options);
  Check(store.status());
  Bench bench(store->get(), load);

  std::atomic<bool> done = false;
  std::thread checkpointer([&] {
    while (!done) {
      Check((*store)->Checkpoint());
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  });
  std::vector<double> commits;
  const double cpu_start = CpuSeconds();
  const auto start = SteadyClock::now();
  for (int64_t written = 0; written < load.events; written += load.batch) {
    const auto commit_start = SteadyClock::now();
    bench.Step();
    commits.push_back(SecondsSince(commit_start));
  }
  const double seconds = SecondsSince(start);
  const double cpu_seconds = CpuSeconds() - cpu_start;
  done = true;
  checkpointer.join();
  std::sort(commits.begin(), commits.end());
  const double events = static_cast<double>(commits.size()) * load.batch;
  std::printf(
      "%.0f events in %.2f s: %.0f events/s, %d webhooks, %d targets, batches of %d, %s\n"
      "%.1f us of CPU per event, checkpoints included\n"
      "commit p50 %.1f ms, p99 %.1f ms, max %.1f ms; file %.0f MiB, log %.0f MiB\n",
      events, seconds, events / seconds, load.webhooks, load.targets, load.batch,
      load.publisher ? "ids deduplicated" : "ids new", cpu_seconds / events * 1e6,
      commits[commits.size() / 2] * 1e3, commits[commits.size() * 99 / 100] * 1e3,
      commits.back() * 1e3,
      static_cast<double>(std::filesystem::file_size(options.path)) / (1 << 20),
      static_cast<double>(std::filesystem::file_size(options.path + "-wal")) / (1 << 20));
  if (load.keep) {
    bench.Finish();
    Check((*store)->Checkpoint());
  }
  store->reset();
  if (load.keep) return 0;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(options.path + suffix);
  return 0;
}

}  // namespace
}  // namespace latchwire

int main(int argc, char** argv) { return latchwire::Main(argc, argv); }
