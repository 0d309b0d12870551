#include "core/formats/standard_webhooks.h"

#include <array>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/crypto.h"
#include "core/base/version.h"
#include "core/formats/render.h"
#include "core/json/json_string.h"
#include "core/signatures/standard.h"

namespace latchwire {
namespace {

constexpr size_t kMadeSecretBytes = 32;
constexpr size_t kTokenLength = 12;

// Tells one event's messages to several webhooks apart, and stays when the webhook changes. A hash,
// so that receivers don't learn the webhook's name.
std::string WebhookToken(const Webhook& webhook) {
  std::string token = Base64UrlEncode(AsBytes(Sha256(webhook.id)));
  token.resize(kTokenLength);
  return token;
}

// What every message of a webhook needs and none changes. Decoding a secret in constant time takes
// half as long as signing with it, so the last webhooks' are kept, by thread: no lock, and no more
// than kKeptSigners of them.
struct Signer {
  std::vector<WebhookSecret> secrets;
  std::string webhook_id;
  std::vector<std::string> keys;  // decoded `secrets`
  std::string token;
};

using Keys = absl::InlinedVector<absl::string_view, 2>;

const Signer& SignerFor(const Webhook& webhook) {
  constexpr size_t kKeptSigners = 256;
  thread_local std::array<Signer, kKeptSigners> kept;
  Signer& signer = kept[absl::Hash<std::string>()(webhook.id) % kKeptSigners];
  if (signer.secrets != webhook.secrets || signer.webhook_id != webhook.id ||
      signer.token.empty()) {
    signer = {webhook.secrets, webhook.id, {}, WebhookToken(webhook)};
    for (const WebhookSecret& secret : webhook.secrets) {
      signer.keys.push_back(DecodeStandardSecret(secret.value).value_or(""));
    }
  }
  LATCHWIRE_DCHECK(signer.keys.size() == webhook.secrets.size());
  return signer;
}

// The keys that sign an attempt made at `time`, newest first. A secret that can't be decoded was
// refused when the webhook was saved. Were there one all the same, it signs nothing: a request
// without a signature, which no receiver takes, is better than one signed with an empty key.
Keys KeysAt(const Signer& signer, absl::Time time) {
  Keys keys;
  for (size_t i = 0; i < signer.keys.size(); ++i) {
    if (signer.secrets[i].expire_time > time && !signer.keys[i].empty()) {
      keys.push_back(signer.keys[i]);
    }
  }
  return keys;
}

absl::Time TimestampOf(const Event& event, const FormatContext& context) {
  for (const absl::Time time : {event.occur_time, event.receive_time}) {
    if (time != absl::InfinitePast() && time != absl::InfiniteFuture()) return time;
  }
  return context.attempt_time;
}

std::string Body(const Event& event, const FormatContext& context) {
  std::string body;
  // What surrounds type, content type and data is shorter than this.
  constexpr size_t kFrameBytes = 128;
  body.reserve(event.type.size() + event.content_type.size() + kFrameBytes +
               (event.is_json ? event.data.size() : event.data.size() / 3 * 4 + 4));
  body.append(R"({"type":)");
  AppendJsonString(event.type, &body);
  body.append(R"(,"timestamp":")");
  AppendRfc3339(TimestampOf(event, context), &body);
  body.push_back('"');
  if (event.is_json) {
    body.append(R"(,"data":)");
    body.append(event.data);
  } else {
    body.append(R"(,"content_type":)");
    AppendJsonString(EffectiveContentType(event), &body);
    body.append(R"(,"data_base64":")");
    body.append(Base64Encode(event.data));
    body.push_back('"');
  }
  body.push_back('}');
  return body;
}

class StandardWebhooksFormat : public Format {
 public:
  const FormatDefaults& Defaults() const override {
    static const FormatDefaults* const kDefaults = new FormatDefaults;
    return *kDefaults;
  }

  const SecretPolicy& Secrets() const override {
    static constexpr SecretPolicy kPolicy = {SecretPolicy::Use::kRequired, kMinStandardSecretBytes,
                                             kMaxStandardSecretBytes,
                                             "whsec_ followed by base64 of"};
    return kPolicy;
  }

  std::optional<std::string> SecretKey(absl::string_view secret) const override {
    if (!absl::StartsWith(secret, kStandardSecretPrefix)) return std::nullopt;
    return DecodeStandardSecret(secret);
  }

  std::string MakeSecret(Random* random) const override {
    std::array<char, kMadeSecretBytes> key;
    random->Fill(key.data(), key.size());
    return absl::StrCat(kStandardSecretPrefix,
                        Base64Encode(absl::string_view(key.data(), key.size())));
  }

  absl::Span<const absl::string_view> ReservedHeaders() const override {
    static constexpr absl::string_view kNames[] = {"content-type", "user-agent", "webhook-id",
                                                   "webhook-timestamp", "webhook-signature"};
    return kNames;
  }

  std::string MessageId(const Event& event, const Webhook& webhook) const override {
    return absl::StrCat(event.id, ".", WebhookToken(webhook));
  }

  HttpRequest Render(const Event& event, const Webhook& webhook,
                     const FormatContext& context) const override;

  Event TestEvent(const Webhook& webhook) const override {
    Event event;
    event.type = "latchwire.test";
    event.source = "latchwire";
    event.data = R"({"message":"A test event, sent on request.","webhook":)";
    AppendJsonString(absl::StrCat("webhooks/", webhook.id), &event.data);
    event.data.push_back('}');
    return event;
  }
};

HttpRequest StandardWebhooksFormat::Render(const Event& event, const Webhook& webhook,
                                           const FormatContext& context) const {
  static const std::string* const kUserAgent =
      new std::string(absl::StrCat("Latchwire/", LatchwireVersion()));
  HttpRequest request;
  request.method = std::string(Defaults().method);
  request.url = webhook.url;
  request.body = Body(event, context);
  const Signer& signer = SignerFor(webhook);
  std::string id = absl::StrCat(event.id, ".", signer.token);
  std::string timestamp = absl::StrCat(absl::ToUnixSeconds(context.attempt_time));

  request.headers.reserve(5 + webhook.headers.size());
  request.headers.push_back({"Content-Type", "application/json"});
  request.headers.push_back({"User-Agent", *kUserAgent});
  const Keys keys = KeysAt(signer, context.attempt_time);
  std::string signature = SignStandard(keys, id, timestamp, request.body);
  request.headers.push_back({"webhook-id", std::move(id)});
  request.headers.push_back({"webhook-timestamp", std::move(timestamp)});
  if (!keys.empty()) request.headers.push_back({"webhook-signature", std::move(signature)});
  for (const auto& [name, value] : webhook.headers) request.headers.push_back({name, value});
  return request;
}

}  // namespace

std::unique_ptr<const Format> MakeStandardWebhooksFormat() {
  return std::make_unique<StandardWebhooksFormat>();
}

}  // namespace latchwire
