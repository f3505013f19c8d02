package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/notices"
)

// Webhook is an address to which the account's notices go.
type Webhook struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	Description    string     `json:"description"`
	Kinds          []string   `json:"kinds" doc:"The kinds of notices that it gets; all of them if the list is empty. The settings list all kinds."`
	State          string     `json:"state" enum:"on,off" doc:"off: nothing is sent. It was turned off, has failed for 3 days, or answered 410."`
	Why            string     `json:"why,omitempty" doc:"Why it is off."`
	CreatedAt      time.Time  `json:"created_at"`
	FailingSince   *time.Time `json:"failing_since" doc:"The first failure after the last success."`
	OldSecretUntil *time.Time `json:"old_secret_until" doc:"Until when the secret before the last rotation signs as well."`
}

// WebhookWithSecret is a webhook with its secret.
type WebhookWithSecret struct {
	Webhook
	Secret string `json:"secret" doc:"Verify signatures with it. It is not shown again."`
}

// Delivery is a notice that goes to a webhook, or out by e-mail.
type Delivery struct {
	Channel       string            `json:"channel" doc:"mail, or webhook/ and the webhook's id."`
	Notice        string            `json:"notice" doc:"The notice's id."`
	MessageID     string            `json:"message_id" doc:"The header webhook-id of a webhook, the same at every attempt."`
	Kind          string            `json:"kind"`
	Title         string            `json:"title"`
	State         string            `json:"state" enum:"pending,delivered,failed,held" doc:"held: it was not sent, because the webhook was off."`
	CreatedAt     time.Time         `json:"created_at"`
	NextAttemptAt *time.Time        `json:"next_attempt_at" doc:"When it is tried next; null if it is over, or is tried at once."`
	Attempts      []DeliveryAttempt `json:"attempts" doc:"The last 20, oldest first."`
}

// DeliveryAttempt is one try to deliver.
type DeliveryAttempt struct {
	At     time.Time `json:"at"`
	TookMS int64     `json:"took_ms"`
	Status int       `json:"status,omitempty" doc:"The HTTP status of the answer; absent if there was none."`
	Error  string    `json:"error,omitempty" doc:"Why it failed; absent if it did not."`
	Answer string    `json:"answer,omitempty" doc:"The first kilobyte of the answer's body."`
}

// ShowWebhook returns a webhook as the API shows it, without its secret.
func ShowWebhook(w notices.Webhook) Webhook {
	return Webhook{
		ID: w.ID, URL: w.URL, Description: w.Description, Kinds: list(w.Kinds, func(k notices.Kind) string { return string(k) }).Items, State: w.State, Why: w.Why, CreatedAt: w.CreatedAt,
		FailingSince: timeOrNull(w.FailingSince), OldSecretUntil: timeOrNull(w.PreviousUntil),
	}
}

func showDelivery(d notices.Delivery) Delivery {
	shown := Delivery{
		Channel: d.Channel, Notice: d.Notice, MessageID: notices.MessageID(d.Notice), Kind: string(d.Kind), Title: d.Title, State: d.State, CreatedAt: d.CreatedAt,
		Attempts: []DeliveryAttempt{},
	}
	if d.State == notices.Pending {
		shown.NextAttemptAt = timeOrNull(d.NextAt)
	}
	for _, a := range d.Attempts {
		shown.Attempts = append(shown.Attempts, DeliveryAttempt{At: a.At, TookMS: a.TookMS, Status: a.Status, Error: a.Error, Answer: a.Answer})
	}
	return shown
}

func (a *service) registerWebhooks(api huma.API) {
	route := func(method, path, id, summary, description string, status int) huma.Operation {
		return changing(huma.Operation{
			OperationID: id, Tags: []string{tagWebhooks}, Method: method, Path: path, Summary: summary, Description: description, DefaultStatus: status,
		})
	}
	huma.Register(api, huma.Operation{
		OperationID: "list-webhooks", Tags: []string{tagWebhooks}, Method: http.MethodGet, Path: "/webhooks", Summary: "List my webhooks", Security: signedIn,
	}, a.listWebhooks)
	huma.Register(api, route(http.MethodPost, "/webhooks", "add-webhook", "Add a webhook",
		"Notices go to the address from now on, signed as Standard Webhooks describes. An account may have 10 webhooks. The answer has the secret, which is not shown again.", http.StatusCreated), a.addWebhook)
	huma.Register(api, route(http.MethodPatch, "/webhooks/{webhook}", "change-webhook", "Change a webhook",
		"A member that the request leaves out stays as it is. A webhook that is turned on again does not get what it missed; ask for that with redeliver.", 0), a.changeWebhook)
	huma.Register(api, route(http.MethodDelete, "/webhooks/{webhook}", "delete-webhook", "Delete a webhook", "", http.StatusNoContent), a.deleteWebhook)
	huma.Register(api, route(http.MethodPost, "/webhooks/{webhook}/rotate-secret", "rotate-webhook-secret", "Replace a webhook's secret",
		"The answer has the new secret, which is not shown again. For a day, each request is signed with both.", 0), a.rotateSecret)
	huma.Register(api, route(http.MethodPost, "/webhooks/{webhook}/test", "test-webhook", "Send a test to a webhook", fmt.Sprintf("It is sent once, also to a webhook that is off. An account can have %d tests sent in a minute. After that the answer is 429, and its Retry-After says in how many seconds the next one may go.", notices.MaxTests), 0), a.testWebhook)
	huma.Register(api, huma.Operation{
		OperationID: "list-deliveries", Tags: []string{tagWebhooks}, Method: http.MethodGet, Path: "/webhooks/{webhook}/deliveries", Summary: "List what was sent to a webhook", Security: signedIn,
		Description: "Newest first, 50 on a page. Deliveries are kept for 90 days.",
	}, a.listDeliveries)
	huma.Register(api, route(http.MethodPost, "/webhooks/{webhook}/deliveries/{notice}/redeliver", "redeliver", "Send a notice to a webhook again",
		"It has the same webhook-id as before.", 0), a.redeliver)
	huma.Register(api, route(http.MethodPost, "/webhooks/{webhook}/redeliver", "redeliver-range", "Send the notices of a time to a webhook again",
		"At most 500, delivered or not, each with the same webhook-id as before.", 0), a.redeliverRange)
}

// OfWebhook names a webhook of the account in the path.
type OfWebhook struct {
	Webhook string `path:"webhook" maxLength:"64" doc:"A webhook's id." example:"k3c4d5e6f7g8h9j0k3c4d5e6f7"`
}

type webhookAsking struct {
	OfWebhook
	Body *Empty
}

type webhookOutput struct{ Body Webhook }

type secretOutput struct{ Body WebhookWithSecret }

func (a *service) listWebhooks(ctx context.Context, _ *struct{}) (*struct{ Body List[Webhook] }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	all, err := a.notices.Webhooks(ctx, account)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Webhook] }{list(all, ShowWebhook)}, nil
}

// NewWebhook is an address to add.
type NewWebhook struct {
	URL         string   `json:"url" maxLength:"2000" doc:"An https URL that is public on the internet. Redirects are not followed."`
	Description string   `json:"description,omitempty" maxLength:"200"`
	Kinds       []string `json:"kinds,omitempty" doc:"The kinds of notices to send; all without it, or if the list is empty."`
}

func kindsOf(names []string) []notices.Kind {
	kinds := make([]notices.Kind, 0, len(names))
	for _, name := range names {
		kinds = append(kinds, notices.Kind(name))
	}
	return kinds
}

func (a *service) addWebhook(ctx context.Context, in *struct{ Body NewWebhook }) (*secretOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	w, secret, err := a.notices.AddWebhook(ctx, account, in.Body.URL, in.Body.Description, kindsOf(in.Body.Kinds))
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &secretOutput{WebhookWithSecret{ShowWebhook(w), secret}}, nil
}

// WebhookChange is what changes of a webhook.
type WebhookChange struct {
	URL         *string   `json:"url,omitempty" maxLength:"2000"`
	Description *string   `json:"description,omitempty" maxLength:"200"`
	Kinds       *[]string `json:"kinds,omitempty" doc:"Replaces the list. An empty one means all kinds."`
	State       *string   `json:"state,omitempty" enum:"on,off"`
}

func (a *service) changeWebhook(ctx context.Context, in *struct {
	OfWebhook
	Body WebhookChange
}) (*webhookOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	change := notices.WebhookChange{URL: in.Body.URL, Description: in.Body.Description}
	if in.Body.Kinds != nil {
		kinds := kindsOf(*in.Body.Kinds)
		change.Kinds = &kinds
	}
	if in.Body.State != nil {
		on := *in.Body.State == notices.WebhookOn
		change.On = &on
	}
	w, err := a.notices.ChangeWebhook(ctx, account, in.Webhook, change)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &webhookOutput{ShowWebhook(w)}, nil
}

func (a *service) deleteWebhook(ctx context.Context, in *webhookAsking) (*struct{}, error) {
	account, err := callerAccount(ctx)
	if err == nil {
		err = a.notices.DeleteWebhook(ctx, account, in.Webhook)
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return nil, nil
}

func (a *service) rotateSecret(ctx context.Context, in *webhookAsking) (*secretOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	w, secret, err := a.notices.RotateSecret(ctx, account, in.Webhook)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &secretOutput{WebhookWithSecret{ShowWebhook(w), secret}}, nil
}

type deliveryOutput struct{ Body Delivery }

func (a *service) testWebhook(ctx context.Context, in *webhookAsking) (*deliveryOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	d, err := a.notices.TestWebhook(ctx, account, in.Webhook)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &deliveryOutput{showDelivery(d)}, nil
}

func (a *service) listDeliveries(ctx context.Context, in *struct {
	OfWebhook
	Before string `query:"before" maxLength:"64" doc:"The notice after which the page begins; see next."`
}) (*struct{ Body List[Delivery] }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	all, err := a.notices.Deliveries(ctx, account, in.Webhook, in.Before)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	page := list(all, showDelivery)
	if len(all) == notices.MaxDeliveriesListed {
		next := Prefix + "/webhooks/" + url.PathEscape(in.Webhook) + "/deliveries?" + url.Values{"before": {all[len(all)-1].Notice}}.Encode()
		page.Next = &next
	}
	return &struct{ Body List[Delivery] }{page}, nil
}

func (a *service) redeliver(ctx context.Context, in *struct {
	OfWebhook
	Notice string `path:"notice" maxLength:"64" doc:"A notice's id." example:"001795338000000-000000000007-8k3c4d5e6f"`
	Body   *Empty
}) (*deliveryOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	d, err := a.notices.Redeliver(ctx, account, in.Webhook, in.Notice)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &deliveryOutput{showDelivery(d)}, nil
}

// Range is a time.
type Range struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// Redelivered says how many notices are sent again.
type Redelivered struct {
	Redelivered int `json:"redelivered" doc:"How many notices are sent again. Those that were being sent at that moment are not counted."`
}

func (a *service) redeliverRange(ctx context.Context, in *struct {
	OfWebhook
	Body Range
}) (*struct{ Body Redelivered }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	n, err := a.notices.RedeliverSince(ctx, account, in.Webhook, in.Body.Since, in.Body.Until)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Redelivered }{Redelivered{n}}, nil
}
