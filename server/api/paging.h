// Paging and resource names, the same for every service.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/domain/webhook.h"

namespace latchwire {

// The page size to use: the default for 0, FIELD_INVALID if it is out of range.
absl::StatusOr<int> PageSize(int32_t requested);

// A list call's arguments except page_size and page_token: a token is valid only for the same ones.
class PageArguments {
 public:
  // `values` begins with the method.
  PageArguments(TenantId tenant, std::initializer_list<absl::string_view> values);

  // `position` is where the next page begins; opaque to clients but not secret.
  std::string MakeToken(absl::string_view position) const;
  // The position; empty for an empty token. PAGE_TOKEN_INVALID.
  absl::StatusOr<std::string> ParseToken(absl::string_view token) const;
  absl::StatusOr<int64_t> ParseInt64Token(absl::string_view token) const;  // 0 for an empty one

 private:
  std::string hash_;
};

// The id in a resource name: "abc" for `webhooks/abc` with collection "webhooks". FIELD_INVALID,
// naming `field`, if `name` does not have that form.
absl::StatusOr<std::string> ParseName(absl::string_view name, absl::string_view collection,
                                      absl::string_view field);
bool IsAllDigits(absl::string_view text);

}  // namespace latchwire
