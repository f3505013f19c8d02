package notices

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// The states of a delivery; see the package comment.
const (
	Pending   = "pending"
	Delivered = "delivered"
	Failed    = "failed"
	Held      = "held"
)

// Delivery is a notice that goes to one channel.
type Delivery struct {
	Channel string `dynamodbav:"channel"`
	Notice  string `dynamodbav:"notice"`
	Kind    Kind   `dynamodbav:"kind"`
	Title   string `dynamodbav:"title"`
	State   string `dynamodbav:"state"`
	// Tries counts the attempts since AskedAt. Attempts are the last ones of all times, oldest
	// first.
	Tries    int       `dynamodbav:"tries"`
	Attempts []Attempt `dynamodbav:"attempts"`
	// Round counts how often the delivery was asked for again.
	Round     int       `dynamodbav:"round"`
	CreatedAt time.Time `dynamodbav:"created_at"`
	AskedAt   time.Time `dynamodbav:"asked_at"`
	// No attempt may begin before NextAt.
	NextAt time.Time `dynamodbav:"next_at"`
	// ClaimedUntil is until when a worker may be sending it. Version changes with every write.
	ClaimedUntil time.Time `dynamodbav:"claimed_until"`
	Version      int64     `dynamodbav:"version"`
}

// Attempt is one try to deliver.
type Attempt struct {
	At     time.Time `dynamodbav:"at"`
	TookMS int64     `dynamodbav:"took_ms"`
	// Status is the HTTP status of a webhook's answer, 0 without one; Answer is the first
	// kilobyte of its body.
	Status int    `dynamodbav:"status,omitempty"`
	Answer string `dynamodbav:"answer,omitempty"`
	// Error is why the attempt failed, or "".
	Error string `dynamodbav:"error,omitempty"`
}

const maxAttempts = 20

// waits are the times between tries: 8 tries within 24 hours.
func waits() []time.Duration {
	return []time.Duration{
		time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 4 * time.Hour, 7 * time.Hour, 10 * time.Hour,
	}
}

// nextWait is the time from a failed try to the next; ok is false after the last.
func nextWait(tries int) (wait time.Duration, ok bool) {
	all := waits()
	if tries < 1 || tries > len(all) {
		return 0, false
	}
	return all[tries-1], true
}

func (d Delivery) attempt() int { return d.Round*100 + d.Tries + 1 }

func (d Delivery) webhook() (id string, ok bool) { return strings.CutPrefix(d.Channel, webhookChannel) }

func (d Delivery) wakeUp(account portal.AccountID, now time.Time) events.Event {
	return wakeUp(account, d.Channel, d.Notice, d.attempt(), 0, now)
}

func wakeUp(account portal.AccountID, channel, notice string, attempt, asked int, now time.Time) events.Event {
	id := portal.DeriveID("delivery", string(account), channel, notice, strconv.Itoa(attempt), strconv.Itoa(asked))
	return events.Event{
		ID: id, Source: "/gatehouse/notices", Subject: portal.AccountStream(account), Time: now.UTC(), Correlation: id,
		Data: events.DeliveryRequested{Channel: channel, Notice: notice},
	}
}

func (s *Store) delivery(ctx context.Context, account portal.AccountID, channel, notice string) (d Delivery, ok bool, err error) {
	ok, err = s.rows.Get(ctx, schema.Delivery(account, channel, notice), &d)
	return d, ok, err
}
