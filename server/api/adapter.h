// The one way into the API. Every method of every service is registered here and nowhere else, so
// that no handler runs before its caller's key has been checked against the table of roles. (gRPC
// 1.51's interceptors cannot reject a call.) Messages are parsed only afterwards.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/codegen/service_type.h>

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/domain/api_key.h"
#include "server/api/active_calls.h"
#include "server/api/status.h"
#include "server/state/configuration.h"

namespace latchwire {

// The caller.
struct CallContext {
  TenantId tenant = 0;
  std::string key_id;
  Role role = Role::kViewer;
  std::string agent;  // of a key with Role::kAgent
};

// Answers a call, once, from any thread. If it is dropped unanswered, it answers INTERNAL, so that
// no call hangs. Request and response live until it has been called.
class Done {
 public:
  using Function = absl::AnyInvocable<void(absl::Status)>;

  explicit Done(Function function) : function_(std::move(function)) {}
  Done(Done&& other) noexcept : function_(std::exchange(other.function_, nullptr)) {}
  Done& operator=(Done&&) = delete;
  ~Done() {
    if (function_) function_(absl::InternalError("the handler dropped the call"));
  }
  void operator()(absl::Status status) { std::exchange(function_, nullptr)(std::move(status)); }

 private:
  Function function_;
};

// Thread-safe.
class Authenticator {
 public:
  explicit Authenticator(const Configuration* configuration) : configuration_(configuration) {}

  // Checks a caller; `method` is as in the table of roles. API_KEY_MISSING, API_KEY_INVALID (the
  // same for an unknown id and a wrong secret, also in timing), ROLE_INSUFFICIENT.
  absl::StatusOr<CallContext> Authenticate(const grpc::ServerContextBase& context,
                                           absl::string_view method) const;
  // The same, given the value of the `authorization` metadata.
  absl::StatusOr<CallContext> Authenticate(absl::string_view authorization,
                                           absl::string_view method) const;

 private:
  const Configuration* const configuration_;
};

template <typename Message>
absl::Status ParseMessage(grpc::ByteBuffer* bytes, Message* message) {
  if (grpc::SerializationTraits<Message>::Deserialize(bytes, message).ok()) return absl::OkStatus();
  return InvalidField("", "is not a " + message->GetTypeName() +
                              " in protobuf's binary form (text fields must be valid UTF-8)");
}

// One gRPC service whose handlers get a checked CallContext. Handlers run on gRPC's few callback
// threads and must not block; they may answer later, from any thread. A call that was cancelled or
// whose deadline passed still gets its answer, which gRPC then drops.
class AuthenticatedService : public grpc::Service {
 public:
  template <typename Request, typename Response>
  using UnaryHandler = std::function<void(const CallContext&, Request*, Response*, Done)>;
  // Returns a reactor that owns itself. It reads raw messages: see ParseMessage.
  template <typename Response>
  using BidiHandler =
      std::function<grpc::ServerBidiReactor<grpc::ByteBuffer, Response>*(CallContext)>;

  // `service` such as "latchwire.v1.EventService".
  AuthenticatedService(absl::string_view service, const Authenticator* authenticator)
      : service_(service), authenticator_(authenticator) {}

  const std::string& service() const { return service_; }
  // FAILED_PRECONDITION if a method of the service's descriptor has no handler.
  absl::Status CheckComplete() const;
  ActiveCalls& calls() { return calls_; }
  // Ends streams that would otherwise stay open, with SHUTTING_DOWN, once their messages in flight
  // are answered. Called once, after calls() was closed.
  virtual void Drain() {}

 protected:
  template <typename Request, typename Response>
  void AddUnary(absl::string_view method, UnaryHandler<Request, Response> handler) {
    using Raw = grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, Response>;
    AddRpc(method, grpc::internal::RpcMethod::NORMAL_RPC, [&](const std::string* full_name) {
      return new Raw([this, full_name, handler = std::move(handler)](
                         grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                         Response* response) -> grpc::ServerUnaryReactor* {
        if (!calls_.TryBegin()) return new RefusedCall(ToGrpcStatus(ShuttingDown()));
        auto* call = new UnaryCall<Request>(&calls_);
        absl::StatusOr<CallContext> caller = authenticator_->Authenticate(*context, *full_name);
        if (!caller.ok()) {
          call->Finish(ToGrpcStatus(caller.status()));
          return call;
        }
        grpc::ByteBuffer copy(*bytes);  // shares the slices
        if (absl::Status parsed = ParseMessage(&copy, &call->request); !parsed.ok()) {
          call->Finish(ToGrpcStatus(parsed));
          return call;
        }
        handler(*caller, &call->request, response,
                Done([call](absl::Status status) { call->Finish(ToGrpcStatus(status)); }));
        return call;
      });
    });
  }

  template <typename Response>
  void AddBidi(absl::string_view method, BidiHandler<Response> handler) {
    using Raw = grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, Response>;
    AddRpc(method, grpc::internal::RpcMethod::BIDI_STREAMING, [&](const std::string* full_name) {
      return new Raw(
          [this, full_name, handler = std::move(handler)](grpc::CallbackServerContext* context)
              -> grpc::ServerBidiReactor<grpc::ByteBuffer, Response>* {
            if (calls_.closed()) return new RefusedStream<Response>(ToGrpcStatus(ShuttingDown()));
            absl::StatusOr<CallContext> caller = authenticator_->Authenticate(*context, *full_name);
            if (!caller.ok()) return new RefusedStream<Response>(ToGrpcStatus(caller.status()));
            return handler(*std::move(caller));
          });
    });
  }

 private:
  template <typename Request>
  struct UnaryCall : grpc::ServerUnaryReactor {
    explicit UnaryCall(ActiveCalls* counted) : calls(counted) {}
    void OnDone() override {
      ActiveCalls* const ended = calls;
      delete this;
      ended->End();
    }
    ActiveCalls* const calls;
    Request request;
  };

  struct RefusedCall : grpc::ServerUnaryReactor {
    explicit RefusedCall(const grpc::Status& status) { Finish(status); }
    void OnDone() override { delete this; }
  };

  template <typename Response>
  struct RefusedStream : grpc::ServerBidiReactor<grpc::ByteBuffer, Response> {
    explicit RefusedStream(const grpc::Status& status) { this->Finish(status); }
    void OnDone() override { delete this; }
  };

  void AddRpc(absl::string_view method, grpc::internal::RpcMethod::RpcType type,
              absl::FunctionRef<grpc::internal::MethodHandler*(const std::string*)> make_handler);

  const std::string service_;
  const Authenticator* const authenticator_;
  ActiveCalls calls_;
  std::deque<std::string> names_;  // gRPC keeps pointers to them
  std::set<std::string> methods_;
};

}  // namespace latchwire
