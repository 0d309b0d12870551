#include "core/net/tls_clients.h"

namespace latchwire {

TlsClient* TlsClients::Find(const std::shared_ptr<const TlsProfile>& profile) {
  if (profile == nullptr) return base_;
  if (auto it = by_content_.find(TlsProfileRef{profile.get()}); it != by_content_.end()) {
    recent_.splice(recent_.begin(), recent_, it->second);
    return &it->second->client;
  }
  if (by_content_.size() >= max_profiles_) {
    by_content_.erase(TlsProfileRef{recent_.back().profile.get()});
    recent_.pop_back();
  }
  recent_.emplace_front(Entry{profile, TlsClient(*profile, *base_)});
  by_content_.emplace(TlsProfileRef{profile.get()}, recent_.begin());
  return &recent_.front().client;
}

}  // namespace latchwire
