package latchwire

import (
	"context"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

// JSON makes an event's payload of JSON text, which is kept byte for byte.
func JSON(text string) *latchwirev1.Event_Json { return &latchwirev1.Event_Json{Json: text} }

// Binary makes an event's payload of bytes that are not JSON.
func Binary(data []byte) *latchwirev1.Event_Binary { return &latchwirev1.Event_Binary{Binary: data} }

// Publish stores an event durably and queues its deliveries; it returns what was stored. An event
// without an id is given one, in place, so that publishing it once more, here or by the caller, is
// harmless.
func (c *Client) Publish(ctx context.Context, event *latchwirev1.Event) (*latchwirev1.Event, error) {
	identify(event)
	return c.Events.PublishEvent(ctx, &latchwirev1.PublishEventRequest{Event: event})
}

// PublishBatch stores up to 512 events, all or none, and returns them without their payloads.
// Events without an id are given one, in place.
func (c *Client) PublishBatch(ctx context.Context, events []*latchwirev1.Event) ([]*latchwirev1.Event, error) {
	for _, event := range events {
		identify(event)
	}
	answer, err := c.Events.BatchPublishEvents(ctx, &latchwirev1.BatchPublishEventsRequest{Events: events})
	if err != nil {
		return nil, err
	}
	return answer.GetEvents(), nil
}

func identify(event *latchwirev1.Event) {
	if event.Id == "" {
		event.Id = newUUIDv7()
	}
}
