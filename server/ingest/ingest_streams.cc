// The agents' streams that are open on this server.
#include <utility>

#include "core/base/error_reason.h"
#include "server/ingest/ingest_stream.h"

namespace latchwire {
namespace {

absl::Status Fenced() {
  return MakeError(absl::StatusCode::kAborted, error_reason::kAgentStreamFenced,
                   "a newer stream of the same agent has taken over");
}

}  // namespace

absl::Status AgentKeyDeleted() {
  return MakeError(absl::StatusCode::kUnauthenticated, error_reason::kApiKeyInvalid,
                   "the API key is unknown, wrong or deleted");
}

void IngestStreams::Add(std::shared_ptr<IngestStream> stream) {
  bool draining = false;
  calls_.Begin();
  {
    MutexLock lock(&mutex_);
    streams_.emplace(stream.get(), stream);
    draining = draining_;
  }
  if (draining) stream->Close(ShuttingDown(), IngestStream::When::kDrained);
}

void IngestStreams::Remove(IngestStream* stream) {
  std::shared_ptr<IngestStream> removed;
  {
    MutexLock lock(&mutex_);
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    removed = std::move(found->second);
    streams_.erase(found);
  }
  removed.reset();
  calls_.End();
}

std::vector<std::shared_ptr<IngestStream>> IngestStreams::All() const {
  std::vector<std::shared_ptr<IngestStream>> all;
  MutexLock lock(&mutex_);
  all.reserve(streams_.size());
  for (const auto& [stream, shared] : streams_) all.push_back(shared);
  return all;
}

void IngestStreams::FenceOlder(TenantId tenant, const std::string& agent, int64_t fence) {
  for (const auto& stream : All()) {
    if (stream->caller().tenant != tenant || stream->caller().agent != agent) continue;
    const int64_t other = stream->fence();
    if (other != 0 && other < fence) stream->Close(Fenced(), IngestStream::When::kNow);
  }
}

void IngestStreams::CloseKey(TenantId tenant, const std::string& key_id) {
  for (const auto& stream : All()) {
    if (stream->caller().tenant == tenant && stream->caller().key_id == key_id) {
      stream->Close(AgentKeyDeleted(), IngestStream::When::kNow);
    }
  }
}

void IngestStreams::Drain() {
  {
    MutexLock lock(&mutex_);
    draining_ = true;
  }
  for (const auto& stream : All()) stream->Close(ShuttingDown(), IngestStream::When::kDrained);
}

}  // namespace latchwire
