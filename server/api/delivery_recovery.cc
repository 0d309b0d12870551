// The recovery jobs of latchwire.v1.DeliveryService.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_reason.h"
#include "core/base/id.h"
#include "server/api/delivery_service.h"
#include "server/api/paging.h"
#include "server/api/recovery_job_converter.h"

namespace latchwire {
namespace {

absl::Status Named(const absl::Status& status, absl::string_view name) {
  if (absl::IsNotFound(status)) return NotFound(error_reason::kRecoveryJobNotFound, name);
  return status;
}

// Ids are kept in their canonical, lower-case form.
absl::StatusOr<std::string> JobId(absl::string_view name) {
  absl::StatusOr<std::string> id = ParseName(name, "recoveryJobs", "name");
  if (!id.ok()) return id.status();
  const auto uuid = Uuid::Parse(*id);
  if (!uuid) return NotFound(error_reason::kRecoveryJobNotFound, name);
  return uuid->ToString();
}

void Show(const Configuration& configuration, const RecoveryJob& job, v1::RecoveryJob* response) {
  std::string webhook;
  if (job.webhook_uid != 0) {
    const auto found = configuration.FindWebhook(WebhookKey{job.tenant, job.webhook_uid});
    // A deleted webhook no longer has a UUID.
    webhook =
        absl::StrCat("webhooks/", found == nullptr ? absl::StrCat(job.webhook_uid) : found->id);
  }
  ToProto(job, webhook, response);
}

}  // namespace

void DeliveryService::CreateRecoveryJob(const CallContext& caller,
                                        v1::CreateRecoveryJobRequest* request,
                                        v1::RecoveryJob* response, Done done) {
  if (!request->has_recovery_job()) return done(InvalidField("recovery_job", "is missing"));
  latchwire::CreateRecoveryJob create;
  const auto violations = FromProto(request->recovery_job(), &create.job);
  if (!violations.empty()) return done(InvalidArgument(violations));
  const std::string& webhook = request->recovery_job().webhook();
  if (!webhook.empty()) {
    const auto uid = WebhookUid(caller, webhook, "recovery_job.webhook");
    if (!uid.ok()) return done(uid.status());
    create.job.webhook_uid = *uid;
  }
  create.job.tenant = caller.tenant;
  create.job.create_time = world_.Now();
  create.job.id = Uuid::MakeV7(create.job.create_time, world_.random).ToString();
  world_.writer->Submit(
      std::move(create), [this, request, response, done = std::move(done)](
                             Written<latchwire::CreateRecoveryJob> written) mutable {
        if (absl::IsNotFound(written.result.status())) {
          return done(NotFound(error_reason::kWebhookNotFound, request->recovery_job().webhook()));
        }
        if (written.result.ok()) Show(*world_.configuration, written.result->job, response);
        done(written.result.status());
      });
}

void DeliveryService::GetRecoveryJob(const CallContext& caller, v1::GetRecoveryJobRequest* request,
                                     v1::RecoveryJob* response, Done done) {
  absl::StatusOr<std::string> id = JobId(request->name());
  if (!id.ok()) return done(id.status());
  AnswerFromStore(world_.reads, std::move(done),
                  [configuration = world_.configuration, tenant = caller.tenant,
                   id = *std::move(id), request, response](Store& store) -> absl::Status {
                    const absl::StatusOr<RecoveryJob> job = store.GetRecoveryJob(tenant, id);
                    if (!job.ok()) return Named(job.status(), request->name());
                    Show(*configuration, *job, response);
                    return absl::OkStatus();
                  });
}

void DeliveryService::ListRecoveryJobs(const CallContext& caller,
                                       v1::ListRecoveryJobsRequest* request,
                                       v1::ListRecoveryJobsResponse* response, Done done) {
  const absl::StatusOr<int> limit = PageSize(request->page_size());
  if (!limit.ok()) return done(limit.status());
  PageArguments arguments(caller.tenant, {"ListRecoveryJobs"});
  const absl::StatusOr<int64_t> before = arguments.ParseInt64Token(request->page_token());
  if (!before.ok()) return done(before.status());
  AnswerFromStore(
      world_.reads, std::move(done),
      [configuration = world_.configuration, tenant = caller.tenant, before = *before,
       limit = *limit, arguments = std::move(arguments), response](Store& store) -> absl::Status {
        // One more than asked for tells whether there is a next page.
        const auto jobs = store.ListRecoveryJobs(tenant, before, limit + 1);
        if (!jobs.ok()) return jobs.status();
        int64_t last = 0;
        for (const RecoveryJob& job : *jobs) {
          if (response->recovery_jobs_size() == limit) {
            response->set_next_page_token(arguments.MakeToken(absl::StrCat(last)));
            break;
          }
          last = job.number;
          Show(*configuration, job, response->add_recovery_jobs());
        }
        return absl::OkStatus();
      });
}

void DeliveryService::CancelRecoveryJob(const CallContext& caller,
                                        v1::CancelRecoveryJobRequest* request,
                                        v1::RecoveryJob* response, Done done) {
  absl::StatusOr<std::string> id = JobId(request->name());
  if (!id.ok()) return done(id.status());
  latchwire::CancelRecoveryJob cancel;
  cancel.tenant = caller.tenant;
  cancel.id = *std::move(id);
  cancel.now = world_.Now();
  world_.writer->Submit(std::move(cancel),
                        [this, request, response, done = std::move(done)](
                            Written<latchwire::CancelRecoveryJob> written) mutable {
                          if (written.result.ok())
                            Show(*world_.configuration, written.result->job, response);
                          done(Named(written.result.status(), request->name()));
                        });
}

}  // namespace latchwire
