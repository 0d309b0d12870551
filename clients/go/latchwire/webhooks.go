package latchwire

import (
	"context"
	"encoding/base64"

	"google.golang.org/protobuf/proto"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

// CreateWebhook creates a webhook and returns it with its secret, which no other call returns. The
// webhook's id and, where the format is Standard Webhooks, its secret are chosen here unless given,
// so that the call can be retried when its answer was lost.
func (c *Client) CreateWebhook(ctx context.Context, webhook *latchwirev1.Webhook) (*latchwirev1.Webhook, error) {
	webhook = proto.Clone(webhook).(*latchwirev1.Webhook)
	standard := webhook.GetFormat() == latchwirev1.Webhook_FORMAT_UNSPECIFIED ||
		webhook.GetFormat() == latchwirev1.Webhook_FORMAT_STANDARD_WEBHOOKS
	if webhook.Secret == "" && standard {
		key := make([]byte, 32)
		fillRandom(key)
		webhook.Secret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	}
	request := &latchwirev1.CreateWebhookRequest{Webhook: webhook, WebhookId: newUUIDv4()}
	tries := 0
	created, err := c.Webhooks.CreateWebhook(context.WithValue(ctx, triesKey{}, &tries), request)
	if ReasonOf(err) != ReasonName(latchwirev1.ErrorReason_ERROR_REASON_WEBHOOK_ALREADY_EXISTS) || tries == 1 {
		return created, err
	}
	// Nobody else can have chosen this id: an earlier try took effect.
	created, err = c.Webhooks.GetWebhook(ctx, &latchwirev1.GetWebhookRequest{Name: "webhooks/" + request.WebhookId})
	if err != nil {
		return nil, err
	}
	created.Secret = webhook.Secret
	return created, nil
}

// DeleteWebhook deletes a webhook, given as `webhooks/{uuid}` or `webhooks/{uid}`.
func (c *Client) DeleteWebhook(ctx context.Context, name string) error {
	_, err := c.Webhooks.DeleteWebhook(ctx, &latchwirev1.DeleteWebhookRequest{Name: name})
	return err
}
