// Randomness, injected as a dependency: real in production, seeded in simulation so that a run
// replays.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/mutex.h"

namespace latchwire {

class Random {
 public:
  virtual ~Random() = default;
  // Fills `size` bytes. Thread-safe for SystemRandom; a SeededRandom belongs to one thread.
  virtual void Fill(void* out, size_t size) = 0;

  uint64_t NextUint64() {
    uint64_t value = 0;
    Fill(&value, sizeof(value));
    return value;
  }
  // Uniform in [0, 1).
  double NextUnit() { return static_cast<double>(NextUint64() >> 11) * 0x1.0p-53; }

 private:
  // State of the last version 7 id made with this source. It is not global, so that two seeded runs
  // in one process make the same ids.
  friend struct Uuid;
  Mutex uuid_mutex_;
  int64_t uuid_millisecond_ ABSL_GUARDED_BY(uuid_mutex_) = -1;
  uint32_t uuid_counter_ ABSL_GUARDED_BY(uuid_mutex_) = 0;
};

// Cryptographically strong (BoringSSL). Thread-safe. Never destroyed.
Random* SystemRandom();

// Deterministic, hence not secret: for tests and simulation only.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  void Fill(void* out, size_t size) override;

 private:
  uint64_t state_;
};

}  // namespace latchwire
