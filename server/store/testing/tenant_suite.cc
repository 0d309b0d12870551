// Tenants and their settings.
#include "server/store/testing/conformance.h"

namespace latchwire {
namespace {

TenantSettings SampleSettings() {
  TenantSettings settings;
  settings.display_name = "North gate \xc3\xa9";
  settings.event_retention = absl::Hours(36);
  settings.max_held_time = absl::Minutes(90);
  settings.quotas = {12.5, int64_t{5} << 40, 321};
  return settings;
}

TEST_P(StoreConformanceTest, TheDefaultTenantHasTheDefaultSettings) {
  const auto tenants = store().LoadTenants();
  ASSERT_EQ(tenants.status(), absl::OkStatus());
  ASSERT_EQ(tenants->size(), 1u);
  Tenant expected;
  expected.id = kDefaultTenant;
  expected.revision = 1;
  EXPECT_EQ(Describe(tenants->at(0)), Describe(expected));
}

TEST_P(StoreConformanceTest, TenantsComeBackExactly) {
  CreateTenant create;
  create.settings = SampleSettings();
  create.create_time = now_ + absl::Microseconds(7);
  const auto first = Apply(create);
  EXPECT_EQ(first.status, absl::OkStatus());
  EXPECT_EQ(first.tenant.id, 2);
  EXPECT_EQ(first.tenant.revision, 1);
  EXPECT_EQ(first.tenant.generation, 0);
  create.settings = TenantSettings();
  const auto second = Apply(create);
  EXPECT_EQ(second.tenant.id, 3);

  Reopen();
  const auto tenants = store().LoadTenants();
  ASSERT_EQ(tenants.status(), absl::OkStatus());
  ASSERT_EQ(tenants->size(), 3u);
  EXPECT_EQ(Describe(tenants->at(1)), Describe(first.tenant));
  EXPECT_EQ(Describe(tenants->at(2)), Describe(second.tenant));
}

TEST_P(StoreConformanceTest, TenantsOfOneWriteGetIdsOfTheirOwn) {
  CreateApiKey create;
  create.key.tenant = 9;  // comes into being with it
  create.key.id = "AAAAAAAAAAAAAAA-";
  const auto mutations = WriteAll({CreateTenant(), create, CreateTenant()});
  EXPECT_EQ(ResultOf<CreateTenant>(mutations[0]).tenant.id, 2);
  EXPECT_EQ(ResultOf<CreateTenant>(mutations[2]).tenant.id, 10);
  EXPECT_EQ(store().LoadTenants()->size(), 4u);
}

TEST_P(StoreConformanceTest, TenantUpdatesCheckTheRevision) {
  CreateTenant create;
  create.create_time = now_;
  const Tenant made = Apply(create).tenant;
  MakeWebhook(WebhookOrdering::kNone, made.id);

  UpdateTenant update;
  update.tenant = made.id;
  update.revision = 1;
  update.settings = SampleSettings();
  const auto updated = Apply(update);
  EXPECT_EQ(updated.status, absl::OkStatus());
  EXPECT_EQ(updated.tenant.revision, 2);
  EXPECT_EQ(updated.tenant.generation, 2);  // one change after the webhook
  EXPECT_EQ(updated.tenant.create_time, now_);
  EXPECT_EQ(Describe(store().LoadTenants()->at(1)), Describe(updated.tenant));

  update.settings.display_name = "late";
  EXPECT_THAT(Apply(update).status, HasReason("ETAG_MISMATCH"));
  update.revision = 0;
  EXPECT_EQ(Apply(update).tenant.revision, 3);
  EXPECT_EQ(store().LoadTenants()->at(1).settings.display_name, "late");
  update.tenant = 77;
  EXPECT_THAT(Apply(update).status, HasReason("TENANT_NOT_FOUND"));
  EXPECT_EQ(store().LoadTenants()->size(), 2u);  // asking has made none
}

}  // namespace
}  // namespace latchwire
