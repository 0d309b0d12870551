#include "edge-agent/sources/http_source.h"

#include <chrono>
#include <future>
#include <utility>

#include "core/base/check.h"
#include "core/base/log.h"

namespace latchwire::edge {
namespace {

constexpr std::chrono::seconds kStopPatience{10};

}  // namespace

HttpSource::HttpSource(Intake* intake, RefusalLog* refusals, HttpPages::Pages pages)
    : router_(intake, refusals, std::move(pages)) {}

HttpSource::~HttpSource() { Stop(); }

absl::StatusOr<std::unique_ptr<HttpSource>> HttpSource::Listen(HttpServerOptions options,
                                                               Intake* intake, RefusalLog* refusals,
                                                               HttpPages::Pages pages) {
  std::unique_ptr<HttpSource> source(new HttpSource(intake, refusals, std::move(pages)));
  auto server = HttpServer::Listen(&source->executor_, std::move(options), &source->router_);
  if (!server.ok()) return server.status();
  source->address_ = (*server)->Address();
  source->port_ = (*server)->Port();
  source->server_ = *std::move(server);
  return source;
}

void HttpSource::Start() {
  LATCHWIRE_CHECK(server_ != nullptr && !executor_.IsRunning(), "started twice, or after Stop");
  executor_.Start();
}

void HttpSource::Stop() {
  if (server_ == nullptr) return;
  if (executor_.IsRunning()) {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> answered = done->get_future();
    server_->Stop([done] { done->set_value(); });
    if (answered.wait_for(kStopPatience) != std::future_status::ready) {
      Log(LogLevel::kWarning, "some devices were not answered in time");
    }
  }
  server_.reset();
  executor_.Stop();
}

}  // namespace latchwire::edge
