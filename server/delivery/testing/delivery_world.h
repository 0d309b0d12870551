// A whole delivery side in simulated time: memory store, writer, catalogue, engine and scripted
// receivers, all on one simulated executor and one seed. It can crash and start again on the same
// database.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/testing/simulated_world.h"
#include "core/transport/testing/fake_transport.h"
#include "server/delivery/engine.h"
#include "server/store/memory/memory_store.h"

namespace latchwire {

struct DeliveryWorldOptions {
  uint64_t seed = 1;
  // How long a transaction takes.
  absl::Duration commit_time = absl::Milliseconds(2);
  // How long what a read has seen is under way: by its arrival it may be out of date.
  absl::Duration read_time = absl::Milliseconds(1);
  EngineOptions engine;
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

  // Everything but the database and the receivers is gone, as by kill -9; Start makes it anew.
  void Crash();
  void Start();
  bool running() const { return server_ != nullptr; }

  // These run the world until the mutation is done.
  std::shared_ptr<const Webhook> CreateWebhook(Webhook webhook);
  void SetWebhookState(WebhookKey key, WebhookState state);
  void DeleteWebhook(WebhookKey key);

  // Matches and appends, again if the configuration changed meanwhile. The event's number; 0 if it
  // was not stored.
  int64_t Publish(Event event);
  // The same without waiting; `done` may be called long after, or never (a crash).
  void PublishAsync(Event event, absl::AnyInvocable<void(absl::Status, int64_t number)> done);
  // Writes one mutation and runs the world until it is done.
  Mutation Write(Mutation mutation);

  Delivery GetDelivery(int64_t webhook_uid, int64_t event_number);
  std::vector<Attempt> ListAttempts(int64_t webhook_uid, int64_t event_number);

  SimulatedClock& clock() { return clock_; }
  SimulatedExecutor& executor() { return executor_; }
  FakeTransport& transport() { return *transport_; }
  SeededRandom& random() { return random_; }
  MemoryDatabase& database() { return *database_; }
  Engine& engine() { return server_->engine; }
  Catalog& catalog() { return server_->catalog; }
  StatsBoard& stats() { return server_->stats; }
  Writer& writer() { return server_->writer; }

 private:
  struct Server {
    Server(DeliveryWorld* world, std::unique_ptr<Store> open_store);
    void Step();

    DeliveryWorld* const world;
    std::unique_ptr<Store> store;
    Catalog catalog;
    StatsBoard stats;
    Writer writer;
    SlowReads reads;
    Engine engine;
  };

  const DeliveryWorldOptions options_;
  SimulatedClock clock_;
  SimulatedExecutor executor_;
  SeededRandom random_;
  std::shared_ptr<MemoryDatabase> database_;
  std::unique_ptr<FakeTransport> transport_;
  std::unique_ptr<Server> server_;
};

// An event that says what it is: type "door.opened", data {"n":N}.
Event TestEvent(absl::string_view subject, int n);

}  // namespace latchwire
