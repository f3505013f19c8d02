package members

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// The limits of feedback: MaxFeedback characters of text, MaxPage of an address, and
// MaxFeedbackPerHour of one account.
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
	// Page is the path of the portal's page that it is about, "" if none.
	Page string `dynamodbav:"page,omitempty"`
	Text string `dynamodbav:"text"`
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

// AddFeedback stores what a person told the operator. The error is TooManyRequests for more than
// MaxFeedbackPerHour of one account.
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
	return said, gone(s.transact(ctx, "storing feedback", ofAPerson(said.Account),
		write{key: schema.Feedback(said.ID), value: said}, write{key: schema.AccountFeedback(said.Account, said.ID), value: struct{}{}}))
}

func (s *Store) feedbackSince(ctx context.Context, account portal.AccountID, since time.Time) (count int, err error) {
	err = s.rows(ctx, schema.AccountFeedbacks(account), "", MaxFeedbackPerHour, func(key schema.Key, _ map[string]types.AttributeValue) (bool, error) {
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
	err := s.rows(ctx, schema.AccountFeedbacks(account), "", 0, func(key schema.Key, _ map[string]types.AttributeValue) (bool, error) {
		id, _ := schema.FeedbackListedBy(key)
		var found Feedback
		ok, err := s.get(ctx, schema.Feedback(id), &found)
		if ok {
			all = append(all, found)
		}
		return err == nil, err
	})
	return all, err
}

// AllFeedback lists everybody's feedback, the latest first, at most limit. before is "" or the next of
// an earlier page; next is "" on the last page.
func (s *Store) AllFeedback(ctx context.Context, before string, limit int) (all []Feedback, next string, err error) {
	err = s.rows(ctx, schema.AllFeedback(), before, int32(limit), func(key schema.Key, item map[string]types.AttributeValue) (bool, error) {
		var found Feedback
		if err := attributevalue.UnmarshalMap(item, &found); err != nil {
			return false, err
		}
		all, next = append(all, found), key.SK
		return len(all) < limit, nil
	})
	if len(all) < limit {
		next = ""
	}
	return all, next, err
}
