// Gathers what receivers, publishers and the store see in a simulation, and says which promises of
// docs/guarantees.md were broken.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "server/delivery/testing/delivery_world.h"
#include "tests/sim/spy_store.h"

namespace latchwire::sim {

// A request that reached a receiver.
struct Receipt {
  int server = 0;
  int life = 0;  // of the server, counting its starts
  int64_t uid = 0;
  int n = 0;            // which event
  int http_status = 0;  // 0: no answer in time
  absl::Time wall;
  absl::Duration sent;      // monotonic
  absl::Duration answered;  // monotonic: when the server learns
  BreakerStatus breaker;    // as the server had it
  int incidents = 0;        // that had happened before
  bool stale = false;       // the server had lost its lease, and could not know it yet
};

class Oracle {
 public:
  Oracle(DeliveryWorld* world, Ledger* ledger) : world_(world), ledger_(ledger) {}

  void AddWebhook(const Webhook& webhook) { webhooks_[webhook.key.uid] = webhook; }
  // Reports a crash or a stalled server, which explains why a receiver sees something again.
  void Incident();
  void ServerStarted(int server) { ++lives_[server]; }
  // The user, or the engine, changed it.
  void WebhookChanged(int64_t uid) { ++changes_[uid]; }
  void Accepted(int n, int64_t number) { accepted_[n] = number; }
  void Refused(int n) { refused_.insert(n); }  // with an error that says that nothing was kept
  void RetriedByHand(DeliveryKey key) { retried_.insert({key.webhook.uid, key.event_number}); }
  // `receipt`: uid, n, http_status and answered; the rest is filled in. At the moment itself.
  void Received(Receipt receipt);

  // At the end, when all should be over. Every broken promise, in words.
  std::vector<std::string> Check();

  // How often what: for tests that the worlds are not too quiet.
  struct Coverage {
    int receipts = 0, stale_receipts = 0, probes = 0, duplicates = 0;
    std::map<DeliveryState, int> states;
  };
  const Coverage& coverage() const { return coverage_; }
  std::string Log() const;  // what happened, line by line

 private:
  // A model of one webhook's limits in one life of one server.
  struct Limits {
    int epoch = -1;  // what it knows is of this one
    double tokens = 0;
    absl::Duration tokens_time;
    // Whether the breaker's state is certain: since a success with nothing else in flight.
    bool known = false;
    int failures = 0;
    absl::Duration opened = -absl::InfiniteDuration();
    absl::Duration open_until = -absl::InfiniteDuration();
    std::vector<Receipt> under_way;
  };

  template <typename... Parts>
  void Broken(const Parts&... parts);
  void CheckLimits(const Receipt& receipt);
  void CheckBreaker(const Webhook& webhook, const Receipt& receipt, Limits& limits);
  void LearnAnswers(const Webhook& webhook, absl::Duration now, Limits& limits);
  void CheckDelivery(const Delivery& delivery, int n);
  void CheckReceiptsOf(const Delivery& delivery, const Webhook& webhook, int n);
  void CheckOrder(const Webhook& webhook);
  void CheckStats(const Webhook& webhook);
  void CheckOperational();
  std::string DoorOf(const Webhook& webhook, int64_t number) const;

  DeliveryWorld* const world_;
  Ledger* const ledger_;
  std::map<int64_t, Webhook> webhooks_;
  std::map<int, int> lives_;
  int incidents_ = 0;
  std::map<int64_t, int> changes_;   // of each webhook
  std::map<int, int64_t> accepted_;  // event n -> number
  std::set<int> refused_;
  std::set<std::pair<int64_t, int64_t>> retried_;
  std::vector<Receipt> receipts_;
  std::map<std::tuple<int, int, int64_t>, Limits> limits_;  // server, life, uid
  // At the end, out of the store.
  std::map<int64_t, Event> events_;  // by number
  std::map<int, int64_t> numbers_;   // event n -> number
  std::map<std::pair<int64_t, int64_t>, Delivery> deliveries_;
  std::vector<std::string> broken_;
  Coverage coverage_;
};

// The n in an event's data or a request's body; 0 when there is none.
int NumberIn(absl::string_view text);

}  // namespace latchwire::sim
