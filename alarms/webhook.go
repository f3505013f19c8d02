package alarms

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/outbound"
)

const (
	webhookAgent    = "Gatehouse-Alarms"
	maxAnswer       = 1 << 10
	maxAnswerHeader = 64 << 10
)

// Webhook is an address of the operator's that gets alarms in the format of Standard Webhooks
// (https://www.standardwebhooks.com). It follows no redirect.
type Webhook struct {
	URL string
	// Secret returns the secret that signs.
	Secret func(ctx context.Context) ([]byte, error)
	// Outbound says which addresses may be called.
	Outbound outbound.Config
	// Source is the portal's address.
	Source string
	Now    func() time.Time
	// Timeout replaces notices.WebhookTimeout if it is not 0.
	Timeout time.Duration
}

// Payload is the body: a CloudEvent 1.0 in JSON.
type Payload struct {
	SpecVersion string      `json:"specversion"`
	ID          string      `json:"id"`
	Source      string      `json:"source"`
	Type        string      `json:"type"`
	Subject     string      `json:"subject"`
	Time        time.Time   `json:"time"`
	ContentType string      `json:"datacontenttype"`
	Data        PayloadData `json:"data"`
}

// PayloadData is what a Payload tells.
type PayloadData struct {
	Alarm   Name      `json:"alarm"`
	Phase   Phase     `json:"phase"`
	Title   string    `json:"title"`
	Text    string    `json:"text"`
	Advice  string    `json:"advice,omitempty"`
	Since   time.Time `json:"since"`
	Ended   time.Time `json:"ended,omitzero"`
	Count   int       `json:"count"`
	AtLeast bool      `json:"at_least,omitempty"`
	Link    string    `json:"link"`
	Runbook string    `json:"runbook"`
}

// Name implements Channel.
func (w Webhook) Name() string { return WebhookName }

// Send makes one attempt. Any status from 200 to 299 is a success.
func (w Webhook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(Payload{
		SpecVersion: "1.0", ID: m.ID, Source: w.Source, Type: "gatehouse.alarm." + string(m.Alarm), Subject: string(m.Alarm), Time: m.At.UTC(), ContentType: "application/json",
		Data: PayloadData{
			Alarm: m.Alarm, Phase: m.Phase, Title: m.Title, Text: m.Text, Advice: m.Advice, Since: m.Since.UTC(), Ended: m.Ended.UTC(),
			Count: m.Count, AtLeast: m.AtLeast, Link: m.Link, Runbook: m.Runbook,
		},
	})
	if err != nil {
		return err
	}
	secret, err := w.Secret(ctx)
	if err != nil {
		return fmt.Errorf("the secret of the webhook cannot be computed: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, cmp.Or(w.Timeout, notices.WebhookTimeout))
	defer cancel()
	now := w.Now()
	request, err := notices.SignedRequest(limited, w.URL, webhookAgent, m.ID, now, body, notices.Sign(secret, m.ID, now, body))
	if err != nil {
		return errors.New("the webhook's address is not a URL")
	}
	response, err := outbound.Transport(w.Outbound, maxAnswerHeader).RoundTrip(request)
	if err != nil {
		return unanswered(limited, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("the webhook answered %d with a redirect. Redirects are not followed: set its final address", status)
	default:
		return fmt.Errorf("the webhook answered %d %s", status, http.StatusText(status))
	}
}

// unanswered names no address, whose path may hold a secret.
func unanswered(ctx context.Context, err error) error {
	text := map[outbound.Failure]string{
		outbound.FailurePrivate: "the webhook's address is inside a network, on this machine, or a metadata service. If it may be, set GATEHOUSE_OPERATORS_WEBHOOK_PRIVATE=true, which allows all but metadata services",
		outbound.FailureDNS:     "the webhook's host was not found",
		outbound.FailureRefused: "the webhook's host refused the connection",
		outbound.FailureTLS:     "the certificate of the webhook's host is not valid, or it does not speak TLS",
		outbound.FailureTimeout: "the webhook did not answer in time",
	}[outbound.FailureOf(ctx, err)]
	return errors.New(cmp.Or(text, "the connection to the webhook broke, or the answer was not HTTP"))
}
