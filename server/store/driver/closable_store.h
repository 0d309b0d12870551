// Closes a store for all drivers alike. For drivers only.
#pragma once

#include <memory>

#include "server/store/store.h"

namespace latchwire {

// What a driver implements: all of a store but Close, which is its destructor.
class DriverStore : public Store {
 public:
  void Close() final {}
};

// Passes calls on to `store` until it is closed. Thread-safe as far as `store` is.
std::unique_ptr<Store> NewClosableStore(std::unique_ptr<DriverStore> store);

}  // namespace latchwire
