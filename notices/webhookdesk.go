package notices

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// WebhookDesk is what pages and JSON do with webhooks. Desk is one.
type WebhookDesk interface {
	Webhooks(ctx context.Context, account portal.AccountID) ([]Webhook, error)
	FindWebhook(ctx context.Context, account portal.AccountID, id string) (Webhook, error)
	AddWebhook(ctx context.Context, account portal.AccountID, address, description string, kinds []Kind) (Webhook, string, error)
	ChangeWebhook(ctx context.Context, account portal.AccountID, id string, change WebhookChange) (Webhook, error)
	DeleteWebhook(ctx context.Context, account portal.AccountID, id string) error
	RotateSecret(ctx context.Context, account portal.AccountID, id string) (Webhook, string, error)
	TestWebhook(ctx context.Context, account portal.AccountID, id string) (Delivery, error)
	Deliveries(ctx context.Context, account portal.AccountID, id, before string) ([]Delivery, error)
	Redeliver(ctx context.Context, account portal.AccountID, id, notice string) (Delivery, error)
	RedeliverSince(ctx context.Context, account portal.AccountID, id string, since, until time.Time) (int, error)
}
