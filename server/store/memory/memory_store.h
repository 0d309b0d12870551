// The store in plain maps: the reference that simulations and the conformance suite compare with.
// Durable as long as its database object lives, which is what a test's "reopen" needs.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "server/store/store.h"

namespace latchwire {

// What several handles share. Thread-safe.
class MemoryDatabase {
 public:
  static std::shared_ptr<MemoryDatabase> Make();
  virtual ~MemoryDatabase() = default;

  // The next `count` writes of any handle fail whole, with STORE_UNAVAILABLE naming `cause`.
  virtual void FailWrites(int count, absl::string_view cause) = 0;
  // The write after the next `count` ones happens, but is reported as failed: what a crash between
  // the commit and the answer looks like to the one who asked.
  virtual void LoseAnswerAfter(int count) = 0;
};

// Drop the handle and open another on the same database to simulate a crash and a restart.
std::unique_ptr<Store> NewMemoryStore(
    std::shared_ptr<MemoryDatabase> database = MemoryDatabase::Make());

}  // namespace latchwire
