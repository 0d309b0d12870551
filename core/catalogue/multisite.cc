// Ultimate Multisite (docs: "Webhooks (v2)"). A type is `multisite.` and the product's event slug;
// an event's data is the flat payload, its keys prefixed by the object that they belong to.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/catalogue/systems.h"

namespace latchwire {
namespace {

constexpr absl::string_view kCustomer =
    R"("customer_id":7,"customer_name":"Alice Doe","customer_user_id":12,)"
    R"("customer_user_email":"alice@example.com","customer_email_verification":"verified")";
constexpr absl::string_view kMembership =
    R"("membership_id":21,"membership_status":"active","membership_amount":49.9,)"
    R"("membership_currency":"USD","membership_gateway":"manual",)"
    R"("membership_date_expiration":"2026-04-01 23:59:59")";
constexpr absl::string_view kPayment =
    R"("payment_id":105,"payment_status":"completed","payment_subtotal":49.9,"payment_tax":0,)"
    R"("payment_total":49.9,"payment_currency":"USD","payment_gateway":"manual")";
constexpr absl::string_view kSite =
    R"("site_id":3,"site_title":"North gate","site_url":"https:\/\/north.example.com",)"
    R"("site_description":"")";
constexpr absl::string_view kDomain =
    R"("domain_id":9,"domain_domain":"north.example.com","domain_site_id":3,)"
    R"("domain_stage":"done","domain_active":true,"domain_primary":true,"domain_secure":true)";
constexpr absl::string_view kVerification =
    R"("verification_link":"https:\/\/example.com\/?email-verification-key=abc&customer=7")";
constexpr absl::string_view kPaymentLink =
    R"("default_payment_url":"https:\/\/example.com\/register\/?payment=abc")";

CatalogueType Row(absl::string_view slug, absl::string_view canonical_type,
                  absl::string_view description, std::initializer_list<absl::string_view> parts) {
  return {.name = absl::StrCat("multisite.", slug),
          .canonical_type = std::string(canonical_type),
          .description = std::string(description),
          .example = absl::StrCat("{", absl::StrJoin(parts, ","), R"(,"wu_version":"2.4.2"})")};
}

}  // namespace

CatalogueSystem MultisiteSystem() {
  return {.name = "multisite",
          .description = "Ultimate Multisite, websites as a service on WordPress",
          .types = {
              Row("payment_received", "payment.received",
                  "A new payment was received, whatever its status.",
                  {kPayment, kMembership, kCustomer}),
              Row("site_published", "site.published", "A pending site was published.",
                  {kSite, kCustomer, kMembership}),
              Row("confirm_email_address", "email_address.confirmation_requested",
                  "A customer was asked to confirm an e-mail address.", {kCustomer, kVerification}),
              Row("domain_created", "domain.created", "A domain was added to a site.",
                  {kDomain, kSite, kMembership, kCustomer}),
              Row("renewal_payment_created", "payment.renewal_created",
                  "The payment that renews a membership was created.",
                  {kPayment, kMembership, kCustomer, kPaymentLink}),
              Row("customer_created", "customer.created", "A customer was created.", {kCustomer}),
              Row("customer_updated", "customer.updated", "A customer was changed.", {kCustomer}),
              Row("membership_created", "membership.created", "A membership was created.",
                  {kMembership, kCustomer}),
              Row("membership_updated", "membership.updated", "A membership was changed.",
                  {kMembership, kCustomer}),
              Row("payment_created", "payment.created", "A payment was created.",
                  {kPayment, kMembership, kCustomer}),
              Row("payment_updated", "payment.updated", "A payment was changed.",
                  {kPayment, kMembership, kCustomer}),
          }};
}

}  // namespace latchwire
