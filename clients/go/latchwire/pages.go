package latchwire

import (
	"context"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

// The functions below iterate over everything that a list call returns; pages are fetched as the
// loop gets to them. An error ends the loop:
//
//	for event, err := range client.ListEvents(ctx, &latchwirev1.ListEventsRequest{Type: "door.opened"}) {
//		if err != nil {
//			return err
//		}
//		...
//	}

// ListWebhooks iterates over webhooks by uid. The request may be nil.
func (c *Client) ListWebhooks(ctx context.Context, request *latchwirev1.ListWebhooksRequest) iter.Seq2[*latchwirev1.Webhook, error] {
	return pages(ctx, request, c.Webhooks.ListWebhooks, (*latchwirev1.ListWebhooksResponse).GetWebhooks)
}

// ListEvents iterates over events, newest first. The request may be nil.
func (c *Client) ListEvents(ctx context.Context, request *latchwirev1.ListEventsRequest) iter.Seq2[*latchwirev1.Event, error] {
	return pages(ctx, request, c.Events.ListEvents, (*latchwirev1.ListEventsResponse).GetEvents)
}

// ListEventTypes iterates over the types of event that the server knows, by name. The request may be
// nil.
func (c *Client) ListEventTypes(ctx context.Context, request *latchwirev1.ListEventTypesRequest) iter.Seq2[*latchwirev1.EventType, error] {
	return pages(ctx, request, c.EventTypes.ListEventTypes, (*latchwirev1.ListEventTypesResponse).GetEventTypes)
}

// ListDeliveries iterates over deliveries of a webhook or of an event, newest event first. The
// request may be nil.
func (c *Client) ListDeliveries(ctx context.Context, request *latchwirev1.ListDeliveriesRequest) iter.Seq2[*latchwirev1.Delivery, error] {
	return pages(ctx, request, c.Deliveries.ListDeliveries, (*latchwirev1.ListDeliveriesResponse).GetDeliveries)
}

// ListAttempts iterates over a delivery's attempts, first to last.
func (c *Client) ListAttempts(ctx context.Context, delivery string) iter.Seq2[*latchwirev1.Attempt, error] {
	request := &latchwirev1.ListAttemptsRequest{Parent: delivery}
	return pages(ctx, request, c.Deliveries.ListAttempts, (*latchwirev1.ListAttemptsResponse).GetAttempts)
}

// ListRecoveryJobs iterates over recovery jobs, newest first.
func (c *Client) ListRecoveryJobs(ctx context.Context) iter.Seq2[*latchwirev1.RecoveryJob, error] {
	return pages(ctx, &latchwirev1.ListRecoveryJobsRequest{}, c.Deliveries.ListRecoveryJobs,
		(*latchwirev1.ListRecoveryJobsResponse).GetRecoveryJobs)
}

// ListTenants iterates over tenants by number, for operators.
func (c *Client) ListTenants(ctx context.Context) iter.Seq2[*latchwirev1.Tenant, error] {
	return pages(ctx, &latchwirev1.ListTenantsRequest{}, c.Tenants.ListTenants,
		(*latchwirev1.ListTenantsResponse).GetTenants)
}

// ListAPIKeys iterates over keys, without their secrets.
func (c *Client) ListAPIKeys(ctx context.Context, request *latchwirev1.ListApiKeysRequest) iter.Seq2[*latchwirev1.ApiKey, error] {
	return pages(ctx, request, c.APIKeys.ListApiKeys, (*latchwirev1.ListApiKeysResponse).GetApiKeys)
}

type page interface{ GetNextPageToken() string }

func pages[Request proto.Message, Response page, Item any](
	ctx context.Context, request Request,
	list func(context.Context, Request, ...grpc.CallOption) (Response, error),
	items func(Response) []Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		// A copy, so that the sequence can be iterated over again.
		next := request.ProtoReflect().New().Interface().(Request)
		if request.ProtoReflect().IsValid() {
			proto.Merge(next, request)
		}
		token := next.ProtoReflect().Descriptor().Fields().ByName("page_token")
		for {
			response, err := list(ctx, next)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range items(response) {
				if !yield(item, nil) {
					return
				}
			}
			if response.GetNextPageToken() == "" { // an empty page with a token is not the last
				return
			}
			next.ProtoReflect().Set(token, protoreflect.ValueOfString(response.GetNextPageToken()))
		}
	}
}
