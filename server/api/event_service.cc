#include "server/api/event_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/crash_point.h"
#include "core/base/error_reason.h"
#include "core/base/id.h"
#include "server/api/append.h"
#include "server/api/event_converter.h"
#include "server/api/paging.h"

namespace latchwire {
namespace {

// A page ends before its data passes this, so that it fits into the 4 MiB that gRPC clients take.
constexpr size_t kMaxPageBytes = 2 * 1024 * 1024;
constexpr int kFirstChunk = 16;
constexpr int kMaxChunk = 256;

size_t SizeOf(const Event& event) {
  size_t bytes = 512 + event.data.size();
  for (const auto& [key, value] : event.attributes) bytes += 16 + key.size() + value.size();
  return bytes;
}

// Reads pages until the response is full, in chunks, so that a page of large events does not take
// a thousand times 256 KiB of memory.
absl::Status FillPage(Store& store, TenantId tenant, const EventFilter& filter, int64_t before,
                      int limit, const PageArguments& arguments, v1::ListEventsResponse* response) {
  size_t bytes = 0;
  int chunk = kFirstChunk;
  int64_t next_before = 0;
  for (;;) {
    const int wanted = std::min(chunk, limit - response->events_size());
    absl::StatusOr<EventPage> page = store.ListEvents(tenant, filter, before, wanted);
    if (!page.ok()) return page.status();
    next_before = page->next_before;
    bool full = false;
    for (const Event& event : page->events) {
      bytes += SizeOf(event);
      if (bytes > kMaxPageBytes && response->events_size() > 0) {
        full = true;
        break;
      }
      ToProto(event, EventData::kWith, response->add_events());
      before = event.number;
    }
    if (full) next_before = before;
    const bool short_page = static_cast<int>(page->events.size()) < wanted;
    if (full || short_page || next_before == 0 || response->events_size() >= limit) break;
    before = next_before;
    chunk = std::min(chunk * 2, kMaxChunk);
  }
  if (next_before != 0) {
    response->set_next_page_token(arguments.MakeToken(absl::StrCat(next_before)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int64_t> ResolveEvent(Store& store, TenantId tenant, absl::string_view event) {
  const absl::Status not_found =
      NotFound(error_reason::kEventNotFound, absl::StrCat("events/", event));
  if (IsAllDigits(event)) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(event, &number) || number == 0) return not_found;
    return number;
  }
  absl::StatusOr<int64_t> number = store.FindEvent(tenant, event);
  return absl::IsNotFound(number.status()) ? not_found : number;
}

EventService::EventService(const ApiWorld* world, const Authenticator* authenticator)
    : AuthenticatedService("latchwire.v1.EventService", authenticator), world_(*world) {
  AddUnary<v1::PublishEventRequest, v1::Event>(
      "PublishEvent", [this](const auto& caller, auto* request, auto* response, Done done) {
        PublishEvent(caller, request, response, std::move(done));
      });
  AddUnary<v1::BatchPublishEventsRequest, v1::BatchPublishEventsResponse>(
      "BatchPublishEvents", [this](const auto& caller, auto* request, auto* response, Done done) {
        BatchPublishEvents(caller, request, response, std::move(done));
      });
  AddUnary<v1::GetEventRequest, v1::Event>(
      "GetEvent", [this](const auto& caller, auto* request, auto* response, Done done) {
        GetEvent(caller, request, response, std::move(done));
      });
  AddUnary<v1::ListEventsRequest, v1::ListEventsResponse>(
      "ListEvents", [this](const auto& caller, auto* request, auto* response, Done done) {
        ListEvents(caller, request, response, std::move(done));
      });
}

NewEvent EventService::Prepare(std::shared_ptr<Event> event) const {
  NewEvent added;
  event->receive_time = world_.Now();
  added.deduplicate = !event->id.empty();
  if (event->id.empty()) event->id = Uuid::MakeV7(event->receive_time, world_.random).ToString();
  added.event = std::move(event);
  return added;
}

void EventService::PublishEvent(const CallContext& caller, v1::PublishEventRequest* request,
                                v1::Event* response, Done done) {
  if (!request->has_event()) return done(InvalidField("event", "is missing"));
  auto event = std::make_shared<Event>();
  const auto violations = EventFromProto(request->mutable_event(), "event", event.get());
  if (!violations.empty()) return done(InvalidArgument(violations));

  AppendPublished append;
  append.tenant = caller.tenant;
  append.events.push_back(Prepare(std::move(event)));
  append.now = append.events[0].event->receive_time;
  Append(world_, std::move(append),
         [this, response, done = std::move(done)](Written<AppendPublished> written) mutable {
           if (!written.result.ok()) return done(written.result.status());
           CrashPoint("server-after-commit-before-ack");
           const AppendResult::OfEvent& stored_as = written.result->events[0];
           if (stored_as.kind == AppendResult::Kind::kStored) {
             ToProto(*written.mutation.events[0].event, EventData::kWith, response);
             return done(absl::OkStatus());
           }
           AnswerFromStore(world_.reads, std::move(done),
                           [tenant = written.mutation.tenant, number = stored_as.number,
                            response](Store& store) -> absl::Status {
                             const absl::StatusOr<Event> stored = store.GetEvent(tenant, number);
                             if (!stored.ok()) return stored.status();
                             ToProto(*stored, EventData::kWith, response);
                             return absl::OkStatus();
                           });
         });
}

void EventService::BatchPublishEvents(const CallContext& caller,
                                      v1::BatchPublishEventsRequest* request,
                                      v1::BatchPublishEventsResponse* response, Done done) {
  const size_t count = static_cast<size_t>(request->events_size());
  if (count < 1 || count > kMaxBatchEvents) {
    return done(InvalidField(
        "events", absl::StrCat("must have 1 to ", kMaxBatchEvents, " entries, has ", count)));
  }
  if (const size_t bytes = request->ByteSizeLong(); bytes > kMaxBatchBytes) {
    return done(InvalidField("events", absl::StrCat("must be at most ", kMaxBatchBytes,
                                                    " bytes together, are ", bytes)));
  }
  std::vector<FieldViolation> violations;
  AppendPublished append;
  append.tenant = caller.tenant;
  append.events.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    auto event = std::make_shared<Event>();
    for (FieldViolation& violation : EventFromProto(request->mutable_events(static_cast<int>(i)),
                                                    absl::StrCat("events[", i, "]"), event.get())) {
      violations.push_back(std::move(violation));
    }
    append.events.push_back(Prepare(std::move(event)));
  }
  if (!violations.empty()) return done(InvalidArgument(violations));

  append.now = append.events[0].event->receive_time;
  Append(world_, std::move(append),
         [this, response, done = std::move(done)](Written<AppendPublished> written) mutable {
           if (!written.result.ok()) return done(written.result.status());
           CrashPoint("server-after-commit-before-ack");
           std::vector<std::pair<int, int64_t>> duplicates;  // index in the response, number
           for (const AppendResult::OfEvent& stored_as : written.result->events) {
             const int index = response->events_size();
             if (stored_as.kind == AppendResult::Kind::kDuplicate) {
               duplicates.emplace_back(index, stored_as.number);
             }
             const Event& event = *written.mutation.events[static_cast<size_t>(index)].event;
             ToProto(event, EventData::kWithout, response->add_events());
           }
           if (duplicates.empty()) return done(absl::OkStatus());
           AnswerFromStore(world_.reads, std::move(done),
                           [tenant = written.mutation.tenant, duplicates = std::move(duplicates),
                            response](Store& store) -> absl::Status {
                             for (const auto& [index, number] : duplicates) {
                               const absl::StatusOr<Event> stored = store.GetEvent(tenant, number);
                               if (!stored.ok()) return stored.status();
                               v1::Event* event = response->mutable_events(index);
                               event->Clear();
                               ToProto(*stored, EventData::kWithout, event);
                             }
                             return absl::OkStatus();
                           });
         });
}

void EventService::GetEvent(const CallContext& caller, v1::GetEventRequest* request,
                            v1::Event* response, Done done) {
  absl::StatusOr<std::string> id = ParseName(request->name(), "events", "name");
  if (!id.ok()) return done(id.status());
  AnswerFromStore(
      world_.reads, std::move(done),
      [tenant = caller.tenant, id = *std::move(id), response](Store& store) -> absl::Status {
        const absl::StatusOr<int64_t> number = ResolveEvent(store, tenant, id);
        if (!number.ok()) return number.status();
        const absl::StatusOr<Event> event = store.GetEvent(tenant, *number);
        if (absl::IsNotFound(event.status())) {
          return NotFound(error_reason::kEventNotFound, absl::StrCat("events/", id));
        }
        if (!event.ok()) return event.status();
        ToProto(*event, EventData::kWith, response);
        return absl::OkStatus();
      });
}

void EventService::ListEvents(const CallContext& caller, v1::ListEventsRequest* request,
                              v1::ListEventsResponse* response, Done done) {
  const absl::StatusOr<int> limit = PageSize(request->page_size());
  if (!limit.ok()) return done(limit.status());
  PageArguments arguments(caller.tenant,
                          {"ListEvents", request->type(), request->source(), request->subject()});
  const absl::StatusOr<int64_t> before = arguments.ParseInt64Token(request->page_token());
  if (!before.ok()) return done(before.status());
  EventFilter filter{request->type(), request->source(), request->subject()};
  AnswerFromStore(world_.reads, std::move(done),
                  [tenant = caller.tenant, filter = std::move(filter), before = *before,
                   limit = *limit, arguments = std::move(arguments), response](Store& store) {
                    return FillPage(store, tenant, filter, before, limit, arguments, response);
                  });
}

}  // namespace latchwire
