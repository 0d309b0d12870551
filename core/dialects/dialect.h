// A device family's way to say what happened. One file per family.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/dialects/query.h"
#include "core/domain/event.h"

namespace latchwire {

// One token or secret that lets a device in, and what is known of the device that uses it.
struct IntakeCredential {
  std::string secret;
  std::string source;  // the event's source unless the request says more; empty: the family's name
  std::string model;   // acoGO! only
};

// Families without credentials are switched off.
struct IntakeConfig {
  std::vector<IntakeCredential> acogo = {};
  std::vector<IntakeCredential> situator = {};
  std::vector<IntakeCredential> panel = {};  // an empty secret takes unsigned requests
  std::vector<IntakeCredential> json = {};
};

struct IntakeRequest {
  std::string path;  // without the query
  Query query;
  std::string authorization;    // header, empty when absent
  std::string panel_signature;  // header X-Webhook-Signature, likewise
  std::string body;
};

// Stateless and thread-safe.
class IntakeDialect {
 public:
  virtual ~IntakeDialect() = default;
  virtual bool Handles(absl::string_view path) const = 0;
  virtual absl::string_view Method() const = 0;  // the only one
  // Authenticates first, then reads. The events have no id and no receive_time yet, and are not
  // validated against the limits; data that must be JSON is. Errors carry a reason, the `field`
  // where there is one, and become HTTP as in router.h.
  virtual absl::StatusOr<std::vector<Event>> Read(const IntakeRequest& request) const = 0;
};

std::unique_ptr<IntakeDialect> MakeAcogoDialect(std::vector<IntakeCredential> credentials);
std::unique_ptr<IntakeDialect> MakeSituatorDialect(std::vector<IntakeCredential> credentials);
std::unique_ptr<IntakeDialect> MakePanelDialect(std::vector<IntakeCredential> credentials);
std::unique_ptr<IntakeDialect> MakeJsonDialect(std::vector<IntakeCredential> credentials);

// For the dialects.

// In a time that does not tell which credential came close; null when none fits.
const IntakeCredential* FindCredential(const std::vector<IntakeCredential>& credentials,
                                       absl::string_view token);
absl::Status WrongToken(absl::string_view where);
absl::Status FieldError(absl::string_view field, absl::string_view message);
// `text` must be well-formed JSON.
absl::Status CheckJson(absl::string_view text, absl::string_view field);

}  // namespace latchwire
