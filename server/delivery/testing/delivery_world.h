// A whole delivery side in simulated time: memory store, writer, configuration, engine and scripted
// receivers, all on one simulated executor and one seed. It can crash and start again on the same
// database, and several servers can run on it, of which one may stall for a while.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/testing/simulated_world.h"
#include "core/net/testing/fake_transport.h"
#include "server/delivery/engine.h"
#include "server/delivery/testing/node.h"
#include "server/state/change_follower.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {

struct DeliveryWorldOptions {
  uint64_t seed = 1;
  // How long a transaction takes.
  absl::Duration commit_time = absl::Milliseconds(2);
  // How long a read takes to arrive: what it has seen may be out of date by then.
  absl::Duration read_time = absl::Milliseconds(1);
  // How often a server looks for what others have committed.
  absl::Duration change_poll_interval = absl::Seconds(1);
  EngineOptions engine;
  // How many servers there may be. They are called "server", "server-1", ...; only the first is
  // started with the world.
  int servers = 1;
  // What a server sees of the database; null: just that.
  std::function<std::unique_ptr<Store>(int server, std::unique_ptr<Store>)> wrap_store;
};

// A read pool whose reads see the store at once, while what they post arrives `read_time` later.
class SlowReads : public ReadPool, public Executor {
 public:
  SlowReads(Store* store, Executor* executor, absl::Duration read_time)
      : store_(store), executor_(executor), read_time_(read_time) {}

  bool Submit(Read read) override;
  void SubmitAlways(Read read) override { (void)Submit(std::move(read)); }

  void Post(Task task) override {
    executor_->PostAfter(reading_ ? read_time_ : absl::ZeroDuration(), std::move(task));
  }
  void PostAfter(absl::Duration delay, Task task) override {
    executor_->PostAfter(delay, std::move(task));
  }

 private:
  Store* const store_;
  Executor* const executor_;
  const absl::Duration read_time_;
  bool reading_ = false;
};

class DeliveryWorld {
 public:
  explicit DeliveryWorld(DeliveryWorldOptions options = {});
  ~DeliveryWorld();

  // Everything of a server but the database and the receivers is gone, as by kill -9; Start makes
  // it anew.
  void Crash(int server = 0);
  void Start(int server = 0);
  // It does nothing for a while, and knows nothing of that.
  void Pause(int server = 0) { servers_.at(server)->executor.Pause(); }
  void Resume(int server = 0) { servers_.at(server)->executor.Resume(); }
  bool running(int server = 0) const { return servers_.at(server) != nullptr; }
  bool paused(int server = 0) const { return servers_.at(server)->executor.paused(); }

  // These run the world until the mutation is done.
  std::shared_ptr<const Webhook> CreateWebhook(Webhook webhook);
  void SetWebhookState(WebhookKey key, WebhookState state);
  void DeleteWebhook(WebhookKey key);

  // Matches and appends, again if the configuration changed meanwhile. The event's number; 0 if it
  // was not stored.
  int64_t Publish(Event event);
  // The same without waiting; `done` may be called long after, or never (a crash).
  void PublishAsync(Event event, absl::AnyInvocable<void(absl::Status, int64_t number)> done,
                    int server = 0, int rematches = 0);
  // Writes one mutation and runs the world until it is done.
  template <typename M>
  absl::StatusOr<typename M::Result> Write(M mutation) {
    std::optional<absl::StatusOr<typename M::Result>> result;
    writer().Submit(std::move(mutation),
                    [&](Written<M> written) { result = std::move(written.result); });
    while (!result.has_value() && executor_.RunOne()) {
    }
    return *std::move(result);
  }

  Delivery GetDelivery(int64_t webhook_uid, int64_t event_number);
  std::vector<Attempt> ListAttempts(int64_t webhook_uid, int64_t event_number);

  SimulatedClock& clock() { return clock_; }
  SimulatedExecutor& executor() { return executor_; }
  FakeTransport& transport() { return *transport_; }
  SeededRandom& random() { return random_; }
  MemoryDatabase& database() { return *database_; }
  // In a handler of the transport: whose request it is.
  int sending_server() const { return sending_server_; }
  // What everybody sees, without any server.
  Store& store() { return *store_; }
  Engine& engine(int server = 0) { return servers_.at(server)->engine; }
  Configuration& configuration(int server = 0) { return servers_.at(server)->configuration; }
  StatsBoard& stats(int server = 0) { return servers_.at(server)->stats; }
  Writer& writer(int server = 0) { return servers_.at(server)->writer; }

 private:
  struct Server {
    Server(DeliveryWorld* world, int index, std::unique_ptr<Store> open_store,
           EngineOptions options);
    void Step();

    DeliveryWorld* const world;
    std::unique_ptr<Store> store;
    NodeExecutor executor;
    NodeTransport transport;
    Configuration configuration;
    StatsBoard stats;
    Writer writer;
    SlowReads reads;
    Engine engine;
    std::shared_ptr<ChangeFollower> change_follower;
  };

  const DeliveryWorldOptions options_;
  SimulatedClock clock_;
  SimulatedExecutor executor_;
  SeededRandom random_;
  std::shared_ptr<MemoryDatabase> database_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<FakeTransport> transport_;
  std::vector<std::unique_ptr<Server>> servers_;
  int sending_server_ = 0;
};

// An event that says what it is: type "door.opened", data {"n":N}.
Event TestEvent(absl::string_view subject, int n);

}  // namespace latchwire
