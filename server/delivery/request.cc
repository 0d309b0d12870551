#include "server/delivery/request.h"

#include <memory>
#include <utility>

namespace latchwire {

HttpRequest BuildRequest(const Event& event, const Webhook& webhook, const FormatContext& context) {
  FormattedRequest formatted = GetFormat(webhook.format)->Render(event, webhook, context);
  HttpRequest request;
  request.method = std::move(formatted.method);
  request.url = std::move(formatted.url);
  request.headers.reserve(formatted.headers.size());
  for (auto& [name, value] : formatted.headers) {
    request.headers.push_back({std::move(name), std::move(value)});
  }
  request.body = std::move(formatted.body);
  request.timeout = webhook.timeout;
  request.response_body_limit = kKeptResponseBytes;
  if (webhook.tls != nullptr) {
    request.tls = std::make_shared<const TlsProfile>(TlsProfile{
        webhook.tls->ca_certificates, webhook.tls->client_certificate, webhook.tls->client_key});
  }
  return request;
}

}  // namespace latchwire
