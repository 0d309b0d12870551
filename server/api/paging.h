// Pages and resource names, the same for every service.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/domain/webhook.h"

namespace latchwire {

// 0 means the default; FIELD_INVALID out of range.
absl::StatusOr<int> PageSize(int32_t requested);

// What a list call was asked, but for page_size and page_token: a token only fits the same.
class PageArguments {
 public:
  // `values` begins with the method.
  PageArguments(TenantId tenant, std::initializer_list<absl::string_view> values);

  // `position` is where the next page begins; opaque to clients, yet not secret.
  std::string MakeToken(absl::string_view position) const;
  // The position; empty for an empty token. PAGE_TOKEN_INVALID.
  absl::StatusOr<std::string> ParseToken(absl::string_view token) const;
  absl::StatusOr<int64_t> ParseInt64Token(absl::string_view token) const;  // 0 for an empty one

 private:
  std::string hash_;
};

// `webhooks/abc` with collection "webhooks" is "abc". FIELD_INVALID, naming `field`, when `name` is
// not of that form.
absl::StatusOr<std::string> ParseName(absl::string_view name, absl::string_view collection,
                                      absl::string_view field);
bool IsAllDigits(absl::string_view text);

}  // namespace latchwire
