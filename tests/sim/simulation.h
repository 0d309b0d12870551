// One random world, made of a seed: webhooks of every kind, receivers that fail, hang and answer
// late, and a server, or two on one database, to which everything happens that may happen.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/oracle.h"

namespace latchwire::sim {

class Simulation {
 public:
  explicit Simulation(uint64_t seed, Fault fault = Fault::kNone);

  void Run();
  // Every broken promise, in words; empty when all were kept. Once, after Run.
  std::vector<std::string> Check() { return oracle_.Check(); }

  const Oracle& oracle() const { return oracle_; }
  bool two_servers() const { return two_servers_; }
  int incidents() const { return incidents_; }
  const Ledger& ledger() const { return ledger_; }

 private:
  DeliveryWorldOptions Options(uint64_t seed, Fault fault);
  int Roll(int below);
  bool Chance(double probability) { return dice_.NextUnit() < probability; }

  void MakeWebhooks();
  Webhook RandomWebhook(int uid);
  void PublishOne(int n);
  // The server that owns most, if it runs; else any that does; -1: none.
  int PickServer();
  bool Works(int server) const { return world_.running(server) && !world_.paused(server); }
  FakeTransport::Reply Receive(const HttpRequest& request);
  FakeTransport::Reply Answer(int uid);

  void Disturb();
  void TogglePause();
  void JumpClock();
  void CrashOne();
  void StallOne();
  void RetryOneByHand();
  void SweepLater();
  void Heal();
  void ActivateAll();
  bool AnythingPending();

  SeededRandom dice_;
  Ledger ledger_;
  bool two_servers_ = false;
  bool crashes_ = false;
  DeliveryWorld world_;
  Oracle oracle_;
  bool healed_ = false;
  int incidents_ = 0;
  absl::Duration jumped_, furthest_;
  std::map<int, double> failure_rate_;
  std::map<int, absl::Duration> timeouts_;
};

}  // namespace latchwire::sim
