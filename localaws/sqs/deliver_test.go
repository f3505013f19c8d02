package sqs_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// service is a Service with these queues, without a server.
func service(t *testing.T, queues ...string) (*sqs.Service, func(queue string) int) {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "db"), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s := sqs.New(t.Context(), wire.Env{
		DB: db, Now: time.Now, Account: localaws.Account, Region: localaws.Region,
		Endpoint: func() string { return "http://localhost" }, Log: zerolog.Nop(),
	})
	call := func(operation, body string) any {
		t.Helper()
		out, err := s.JSON().Operations[operation](t.Context(), []byte(body))
		if err != nil {
			t.Fatalf("%s: %v", operation, err)
		}
		return out
	}
	for _, name := range queues {
		call("CreateQueue", `{"QueueName":"`+name+`","Attributes":{"Policy":`+mustJSON(t, anybody)+`}}`)
	}
	stored := func(queue string) (n int) {
		t.Helper()
		err := db.View(func(tx *store.Tx) error {
			settings, _, err := store.GetJSON[struct{ ID string }](tx.Bucket("sqs", "queues"), queue)
			c := tx.Bucket("sqs", "messages", settings.ID).Cursor()
			for key, _ := c.First(); key != nil; key, _ = c.Next() {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return s, stored
}

// anybody is a policy that allows every principal to send.
const anybody = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`

func delivery(queue string) sqs.Delivery {
	return sqs.Delivery{
		QueueARN: "arn:aws:sqs:us-east-1:000000000000:" + queue, Body: "m",
		Service: "sns.amazonaws.com", Source: "arn:aws:sns:us-east-1:000000000000:topic",
	}
}

func TestDeliverReachesEveryAllowedQueueAndReportsTheOthers(t *testing.T) {
	t.Parallel()
	s, stored := service(t, "a", "b")
	refused, err := s.Deliver(func(time.Time) sqs.Plan {
		return sqs.Plan{Deliveries: []sqs.Delivery{delivery("a"), delivery("none"), delivery("b")}}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]error{nil, sqs.ErrNoQueue, nil}, refused, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if a, b := stored("a"), stored("b"); a != 1 || b != 1 {
		t.Errorf("a has %d messages and b %d, want one each", a, b)
	}
}

func TestAPlanThatCannotBeRecordedDeliversNothing(t *testing.T) {
	t.Parallel()
	s, stored := service(t, "a")
	full := errors.New("the disk is full")
	undone := false
	_, err := s.Deliver(func(time.Time) sqs.Plan {
		return sqs.Plan{
			Deliveries: []sqs.Delivery{delivery("a")},
			Record:     func(*store.Tx) error { return full },
			Undo:       func() { undone = true },
		}
	})
	if !errors.Is(err, full) || !undone {
		t.Errorf("the error is %v, undone is %v", err, undone)
	}
	if n := stored("a"); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
	// The queue in memory does not hold it either, and keeps working.
	if _, err := s.Deliver(func(time.Time) sqs.Plan { return sqs.Plan{Deliveries: []sqs.Delivery{delivery("a")}} }); err != nil {
		t.Fatal(err)
	}
	out, err := s.JSON().Operations["GetQueueAttributes"](t.Context(),
		[]byte(`{"QueueUrl":"http://localhost/000000000000/a","AttributeNames":["ApproximateNumberOfMessages"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"Attributes":{"ApproximateNumberOfMessages":"1"}}`, mustJSON(t, out)); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
}

func TestHasQueueFindsQueuesByARN(t *testing.T) {
	t.Parallel()
	s, _ := service(t, "a")
	for arn, want := range map[string]bool{
		"arn:aws:sqs:us-east-1:000000000000:a": true,
		"arn:aws:sqs:us-east-1:000000000000:b": false,
		"arn:aws:sqs:us-west-2:000000000000:a": false,
	} {
		if got, err := s.HasQueue(arn); err != nil || got != want {
			t.Errorf("HasQueue(%s) is %v, %v, want %v", arn, got, err, want)
		}
	}
}

func TestAfterTheStoreIsClosedEverythingFails(t *testing.T) {
	t.Parallel()
	db, err := store.Open(filepath.Join(t.TempDir(), "db"), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := sqs.New(t.Context(), wire.Env{DB: db, Now: time.Now, Log: zerolog.Nop()})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.HasQueue("arn"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("the error is %v, want the store's closed error", err)
	}
}
