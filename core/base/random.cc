#include "core/base/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

namespace latchwire {
namespace {

class BoringSslRandom : public Random {
 public:
  // RAND_bytes never fails: it aborts when the kernel has no randomness to give.
  void Fill(void* out, size_t size) override { RAND_bytes(static_cast<uint8_t*>(out), size); }
};

}  // namespace

Random* SystemRandom() {
  static Random* const random = new BoringSslRandom;
  return random;
}

// SplitMix64: every seed, also 0, starts a full-period sequence.
void SeededRandom::Fill(void* out, size_t size) {
  auto* bytes = static_cast<uint8_t*>(out);
  while (size > 0) {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t value = state_;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    value ^= value >> 31;
    const size_t chunk = std::min(size, sizeof(value));
    std::memcpy(bytes, &value, chunk);
    bytes += chunk;
    size -= chunk;
  }
}

}  // namespace latchwire
