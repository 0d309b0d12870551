// latchwire.v1.DeliveryService.
#pragma once

#include "latchwire/v1/delivery_service.pb.h"
#include "server/api/adapter.h"
#include "server/api/world.h"

namespace latchwire {

class DeliveryService : public AuthenticatedService {
 public:
  DeliveryService(const ApiWorld* world, const Authenticator* authenticator);

 private:
  void GetDelivery(const CallContext& caller, v1::GetDeliveryRequest* request,
                   v1::Delivery* response, Done done);
  void ListDeliveries(const CallContext& caller, v1::ListDeliveriesRequest* request,
                      v1::ListDeliveriesResponse* response, Done done);
  void ListAttempts(const CallContext& caller, v1::ListAttemptsRequest* request,
                    v1::ListAttemptsResponse* response, Done done);
  void RetryDelivery(const CallContext& caller, v1::RetryDeliveryRequest* request,
                     v1::Delivery* response, Done done);

  // delivery_recovery.cc
  void CreateRecoveryJob(const CallContext& caller, v1::CreateRecoveryJobRequest* request,
                         v1::RecoveryJob* response, Done done);
  void GetRecoveryJob(const CallContext& caller, v1::GetRecoveryJobRequest* request,
                      v1::RecoveryJob* response, Done done);
  void ListRecoveryJobs(const CallContext& caller, v1::ListRecoveryJobsRequest* request,
                        v1::ListRecoveryJobsResponse* response, Done done);
  void CancelRecoveryJob(const CallContext& caller, v1::CancelRecoveryJobRequest* request,
                         v1::RecoveryJob* response, Done done);

  absl::StatusOr<int64_t> WebhookUid(const CallContext& caller, absl::string_view name,
                                     absl::string_view field) const;
  absl::StatusOr<DeliveryKey> Resolve(const CallContext& caller, absl::string_view name,
                                      absl::string_view field) const;
  // Reads the delivery and puts it into `response`.
  void Answer(DeliveryKey key, v1::Delivery* response, Done done) const;

  const ApiWorld& world_;
};

}  // namespace latchwire
