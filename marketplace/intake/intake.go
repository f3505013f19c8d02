// Package intake sends the notices of AWS Marketplace to the lanes of their licences.
package intake

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport"
)

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
}

// Intake handles the queue that topics and event buses fill.
type Intake struct {
	Allowed notice.Allowed
	Sender  sender
	Now     func() time.Time
	// Demand returns the message that has the agreements read soon after that time. It is sent with
	// notices about agreements, which name no licence. nil sends none.
	Demand func(at time.Time) events.Event
}

// maxAhead is how far ahead of this process's clock a notice's time may be. A later time counts
// as now; otherwise no notice could follow it.
const maxAhead = 10 * time.Second

// Handle sends one message on as a MarketplaceNotified. Repeats of a notice have the same id, so
// workers handle it once. A message that is no notice or has a forbidden origin is
// portal.Invalid, which makes it a dead letter.
func (i Intake) Handle(ctx context.Context, msg transport.RawMessage) error {
	read, err := notice.Parse(msg.Body, notice.Delivery{ID: msg.ID, At: msg.SentAt})
	var unreadable *notice.Unreadable
	switch {
	case errors.As(err, &unreadable):
		return portal.Fail(portal.Invalid, "This is not a notice of AWS Marketplace: "+err.Error()+".")
	case err != nil:
		return err
	}
	if refusal := i.Allowed.Refusal(read.Origin); refusal != "" {
		return portal.Fail(portal.Invalid, refusal)
	}
	now := i.Now().UTC().Round(0)
	if read.Data.At.After(now.Add(maxAhead)) {
		read.Data.At = now
	}
	subject := read.Subject
	if subject == portal.MarketplaceStream {
		subject = portal.NoticeStream(read.ID())
	}
	zerolog.Ctx(ctx).Info().Str("notice", string(read.Data.Kind)).Str("subject", string(subject)).Msg("AWS Marketplace sent a notice")
	messages := []events.Event{{ID: read.ID(), Source: "/gatehouse/marketplace", Subject: subject, Time: now, Data: read.Data}}
	if i.Demand != nil && read.AboutAgreement() {
		messages = append(messages, i.Demand(now))
	}
	return portal.Postpone("the queues do not answer", i.Sender.Send(ctx, messages...))
}
