package journal_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// An append takes effect, but its answer is lost. The SDK or the caller repeats it and gets
// success or ErrTaken; the facts are stored once.
func TestALostAnswerNeverAppendsTwice(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	row := journal.Row{Key: schema.Key{PK: "row", SK: "1"}, Value: note{Text: "rides"}}
	for _, c := range []struct {
		name      string
		stream    portal.Stream
		operation string
		rows      []journal.Row
	}{
		{"one fact, without a transaction", "account/plain", "PutItem", nil},
		{"a fact with a row, in a transaction", "account/transaction", "TransactWriteItems", []journal.Row{row}},
	} {
		for attempts, who := range map[int]string{1: "the caller repeats it", 3: "the SDK repeats it"} {
			t.Run(c.name+", "+who, func(t *testing.T) {
				t.Parallel()
				stream := c.stream + portal.Stream(who)
				lost := 0
				drop := once(c.operation)
				j := through(t, tables, attempts, network{lose: func(operation string) bool {
					if drop(operation) {
						lost++
						return true
					}
					return false
				}})
				grow(t, tables.Open(), stream, 0, events.UserRegistered{})
				fact := say(stream, 1, events.KeyObserved{Key: "k"})
				err := j.Append(t.Context(), stream, 1, fact, c.rows...)
				if attempts == 1 {
					if !isPostponed(err) {
						t.Errorf("after the lost answer: %v, want Postponed", err)
					}
					err = j.Append(t.Context(), stream, 1, fact, c.rows...)
				}
				if err != nil && !errors.Is(err, journal.ErrTaken) {
					t.Errorf("the repeated append: %v, want nil or ErrTaken", err)
				}
				if facts := read(t, j, stream, 0); len(facts) != 2 {
					t.Errorf("the stream holds %d facts, want 2", len(facts))
				}
				if lost != 1 {
					t.Errorf("%d answers were lost, so this test shows nothing", lost)
				}
			})
		}
	}
}

func TestOnlyALostRaceIsErrTaken(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	reasons := func(codes ...string) string {
		list := ""
		for i, code := range codes {
			if i > 0 {
				list += ","
			}
			list += `{"Code":"` + code + `"}`
		}
		return `,"CancellationReasons":[` + list + `]`
	}
	for _, c := range []struct {
		name, exception, more string
		want                  func(error) bool
	}{
		{"a conflict", "TransactionCanceledException", reasons("None", "TransactionConflict"), taken},
		{"a failed condition and a conflict", "TransactionCanceledException", reasons("ConditionalCheckFailed", "TransactionConflict"), taken},
		{"a conflict of a single write", "TransactionConflictException", "", taken},
		{"throttling in a transaction", "TransactionCanceledException", reasons("None", "ThrottlingError"), isPostponed},
		{"a failed condition and throttling", "TransactionCanceledException", reasons("ConditionalCheckFailed", "ThrottlingError"), isPostponed},
		{"an item that is not valid", "TransactionCanceledException", reasons("ValidationError", "None"), isPermanent},
		{"a transaction in progress", "TransactionInProgressException", "", isPostponed},
		{"throttling", "ProvisionedThroughputExceededException", "", isPostponed},
		{"a missing table", "ResourceNotFoundException", "", isPostponed},
		{"a request that is not valid", "ValidationException", "", isPermanent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := through(t, tables, 1, network{answer: func(string) (*http.Response, error) { return refusal(c.exception, c.more), nil }})
			row := journal.Row{Key: schema.Key{PK: "row", SK: "1"}, Value: note{}}
			if err := j.Append(t.Context(), ann, 0, say(ann, 0, events.UserRegistered{}), row); !c.want(err) {
				t.Errorf("appending: %v", err)
			}
		})
	}
}

func taken(err error) bool { return errors.Is(err, journal.ErrTaken) && !isPostponed(err) }

func isPermanent(err error) bool {
	var permanent *journal.PermanentError
	return errors.As(err, &permanent) && !errors.Is(err, journal.ErrTaken) && !isPostponed(err)
}

func TestEverythingIsPostponedWhileTheTableDoesNotAnswer(t *testing.T) {
	t.Parallel()
	j := through(t, journaltest.Start(t), 1, network{answer: func(string) (*http.Response, error) { return nil, errLost }})
	_, readErr := j.Read(t.Context(), ann, 0)
	_, headErr := j.Head(t.Context(), ann)
	for doing, err := range map[string]error{
		"reading":           readErr,
		"reading the head":  headErr,
		"listing streams":   j.Streams(t.Context(), func(portal.Stream) error { return nil }),
		"appending a first": j.Append(t.Context(), ann, 0, say(ann, 0, events.UserRegistered{})),
		"appending one":     j.Append(t.Context(), ann, 1, say(ann, 1, events.UserRegistered{})),
		"writing rows":      j.Write(t.Context(), journal.Row{Key: schema.Key{PK: "row", SK: "1"}, Value: note{}}),
	} {
		if !isPostponed(err) {
			t.Errorf("%s: %v, want Postponed", doing, err)
		}
	}
}

func TestWhatDynamoDBCallsInvalidIsPermanent(t *testing.T) {
	t.Parallel()
	j := journaltest.Start(t).Open()
	for doing, err := range map[string]error{
		"an empty key":            j.Write(t.Context(), journal.Row{Key: schema.Key{PK: "", SK: "1"}, Value: note{}}),
		"an item twice":           j.Write(t.Context(), journal.Row{Key: schema.Key{PK: "a", SK: "1"}, Value: note{}}, journal.Row{Key: schema.Key{PK: "a", SK: "1"}}),
		"a large item":            j.Write(t.Context(), journal.Row{Key: schema.Key{PK: "a", SK: "1"}, Value: note{Text: string(make([]byte, 500<<10))}}),
		"one large of two":        j.Write(t.Context(), journal.Row{Key: schema.Key{PK: "a", SK: "1"}, Value: note{Text: string(make([]byte, 500<<10))}}, journal.Row{Key: schema.Key{PK: "b", SK: "1"}}),
		"a stream without a name": j.Append(t.Context(), "", 1, say("", 1, events.UserRegistered{})),
	} {
		if !isPermanent(err) {
			t.Errorf("%s: %v, want PermanentError", doing, err)
		}
	}
}

func TestAFactThatCannotBeReadIsPermanent(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	j := tables.Open()
	grow(t, j, ann, 0, events.UserRegistered{})
	_, err := tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tables.Journal), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: string(ann)}, "sk": &types.AttributeValueMemberS{Value: "000000000002"},
		"event": &types.AttributeValueMemberS{Value: "not an event"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if facts, err := j.Read(t.Context(), ann, 0); !isPermanent(err) || facts != nil {
		t.Errorf("reading past it: %d facts, %v; want PermanentError and no facts", len(facts), err)
	}
}
