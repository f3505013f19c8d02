package members

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// The limits of feedback: characters of text, characters of an address, and pieces
// per account.
const (
	MaxFeedback        = 4000
	MaxPage            = 500
	MaxFeedbackPerHour = 10
)

// Topics are what feedback is about.
func Topics() []string { return []string{"documentation", "api", "account", "portal", "other"} }

// Feedback is what a person told the operator.
type Feedback struct {
	ID      string           `dynamodbav:"id"`
	Account portal.AccountID `dynamodbav:"account"`
	At      time.Time        `dynamodbav:"at"`
	Topic   string           `dynamodbav:"topic"`
	Page    string           `dynamodbav:"page,omitempty"`
	Text    string           `dynamodbav:"text"`
	// DoneAt is when an admin or an operator marked it as done, nil if nobody has.
	DoneAt *time.Time       `dynamodbav:"done_at,omitempty"`
	DoneBy portal.AccountID `dynamodbav:"done_by,omitempty"`
	// Operator is who marked it at the command line, as user@host.
	Operator string `dynamodbav:"done_by_operator,omitempty"`
}

// Done reports whether somebody has marked the feedback as done.
func (f Feedback) Done() bool { return f.DoneAt != nil }

// FeedbackFilter chooses feedback. A "" member chooses all.
type FeedbackFilter struct {
	Topic string
	// State is FeedbackOpen or FeedbackDone.
	State string
}

// States of feedback.
const (
	FeedbackOpen = "open"
	FeedbackDone = "done"
)

// State is one of the constants.
func (f Feedback) State() string {
	if f.Done() {
		return FeedbackDone
	}
	return FeedbackOpen
}

func (f FeedbackFilter) chooses(said Feedback) bool {
	return (f.Topic == "" || f.Topic == said.Topic) && (f.State == "" || f.State == said.State())
}

func (f Feedback) check() error {
	switch {
	case !slices.Contains(Topics(), f.Topic):
		return portal.Fail(portal.Invalid, "Choose a topic: "+strings.Join(Topics(), ", ")+".")
	case f.Text == "":
		return portal.Fail(portal.Invalid, "Write something. The text is empty.")
	case utf8.RuneCountInString(f.Text) > MaxFeedback:
		return portal.Fail(portal.Invalid, fmt.Sprintf("The text is longer than %d characters. Shorten it.", MaxFeedback))
	case f.Page != "" && (!strings.HasPrefix(f.Page, "/") || utf8.RuneCountInString(f.Page) > MaxPage):
		return portal.Fail(portal.Invalid, fmt.Sprintf("The page is not a path of this portal with at most %d characters, such as /apis.", MaxPage))
	}
	return nil
}

// AddFeedback stores feedback. The error is TooManyRequests for more than MaxFeedbackPerHour of
// one account.
func (s *Store) AddFeedback(ctx context.Context, said Feedback) (Feedback, error) {
	said.Text, said.Page = strings.TrimSpace(said.Text), strings.TrimSpace(said.Page)
	if err := said.check(); err != nil {
		return Feedback{}, err
	}
	said.At = s.now().UTC().Truncate(time.Millisecond)
	lately, err := s.feedbackSince(ctx, said.Account, said.At.Add(-time.Hour))
	if err != nil {
		return Feedback{}, err
	}
	if lately >= MaxFeedbackPerHour {
		return Feedback{}, portal.Fail(portal.TooManyRequests, fmt.Sprintf("More than %d messages in an hour. Write again later.", MaxFeedbackPerHour))
	}
	said.ID = schema.Milliseconds(said.At) + "-" + strings.ToLower(rand.Text())[:10]
	forAdmins := due.OfAdminItem(portal.AccountStream(said.Account), due.Feedback, said.ID, said.At)
	return said, erased(s.rows.Transact(ctx, "storing feedback", records.OfAPerson(said.Account),
		records.Write{Key: schema.Feedback(said.ID), Put: said}, records.Write{Key: schema.AccountFeedback(said.Account, said.ID), Put: struct{}{}},
		records.Write{Key: forAdmins.Place(), Put: forAdmins}))
}

// ImportFeedback stores feedback from an earlier portal, once. origin is its id there, and the topic is
// other. added is false if it was stored before, or if the account was deleted. Nobody is told.
func (s *Store) ImportFeedback(ctx context.Context, account portal.AccountID, origin string, at time.Time, text string) (added bool, err error) {
	said := Feedback{Account: account, At: at.UTC().Truncate(time.Millisecond), Topic: "other", Text: text}
	if err := said.check(); err != nil {
		return false, err
	}
	said.ID = schema.Milliseconds(said.At) + "-" + portal.DeriveID("feedback", string(account), origin)[:10]
	err = s.rows.Transact(ctx, "storing feedback", records.OfAPerson(account),
		records.Write{Key: schema.Feedback(said.ID), Put: said, If: records.Missing},
		records.Write{Key: schema.AccountFeedback(account, said.ID), Put: struct{}{}})
	if errors.Is(err, records.ErrRefused) {
		return false, nil
	}
	return err == nil, err
}

func (s *Store) feedbackSince(ctx context.Context, account portal.AccountID, since time.Time) (count int, err error) {
	err = s.rows.Each(ctx, schema.AccountFeedbacks(account), records.Select{Limit: MaxFeedbackPerHour}, func(key schema.Key, _ map[string]types.AttributeValue) (bool, error) {
		id := strings.TrimPrefix(key.SK, schema.AccountFeedbacks(account).Begins)
		if id < schema.Milliseconds(since) || count >= MaxFeedbackPerHour {
			return false, nil
		}
		count++
		return true, nil
	})
	return count, err
}

// FeedbackOf lists an account's feedback, the latest first.
func (s *Store) FeedbackOf(ctx context.Context, account portal.AccountID) ([]Feedback, error) {
	var all []Feedback
	err := s.rows.Each(ctx, schema.AccountFeedbacks(account), records.Select{}, func(key schema.Key, _ map[string]types.AttributeValue) (bool, error) {
		id, _ := schema.FeedbackListedBy(key)
		var found Feedback
		ok, err := s.rows.Get(ctx, schema.Feedback(id), &found)
		if ok {
			all = append(all, found)
		}
		return err == nil, err
	})
	return all, err
}

// AllFeedback lists at most limit pieces of everybody's feedback, the latest first. Pages are as for
// Audit.
func (s *Store) AllFeedback(ctx context.Context, filter FeedbackFilter, before string, limit int) (all []Feedback, next string, err error) {
	return filtered(ctx, s.rows, schema.AllFeedback(), records.Select{Before: before}, limit, filter.chooses)
}

// MarkFeedback marks feedback as done, or as open again, records that in the audit, and returns the
// feedback. A second call changes and records nothing. The error is NotFound for an unknown id.
func (s *Store) MarkFeedback(ctx context.Context, by By, id string, done bool) (Feedback, error) {
	var said Feedback
	found, err := s.rows.Get(ctx, schema.Feedback(id), &said)
	if err != nil {
		return said, err
	}
	if !found {
		return said, portal.Fail(portal.NotFound, "There is no such feedback. The account may have been deleted.")
	}
	if said.Done() == done {
		return said, nil
	}
	said.DoneAt, said.DoneBy, said.Operator = nil, "", ""
	entry := AuditEntry{Admin: by.Admin, Operator: by.Operator, What: AuditFeedbackReopened, Subject: said.Account}
	mark := records.Write{Key: schema.Feedback(id), Update: "REMOVE done_at, done_by, done_by_operator", If: "attribute_exists(done_at)"}
	if done {
		at := s.now().UTC().Truncate(time.Second)
		said.DoneAt, said.DoneBy, said.Operator, entry.What = &at, by.Admin, by.Operator, AuditFeedbackDone
		mark.Update, mark.If = "SET done_at = :at, done_by = :admin, done_by_operator = :operator", "attribute_exists(pk) AND attribute_not_exists(done_at)"
		mark.Values = map[string]types.AttributeValue{":at": schema.Time(at), ":admin": schema.Text(string(by.Admin)), ":operator": schema.Text(by.Operator)}
	}
	err = s.rows.Transact(ctx, "marking feedback", mark, s.AuditWrite(entry))
	if errors.Is(err, records.ErrRefused) { // another admin was first, or the account was deleted
		_, err = s.rows.Get(ctx, schema.Feedback(id), &said)
	}
	return said, err
}
