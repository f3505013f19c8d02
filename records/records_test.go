package records_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type row struct {
	N int `dynamodbav:"n"`
}

func TestRowsAreVisitedInTheChosenOrderAndRange(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	table := records.New(tables.Client, tables.Records)
	of := schema.Notices("ann")
	for n := range 5 {
		if err := table.Transact(t.Context(), "writing", records.Write{Key: schema.Notice("ann", fmt.Sprint(n)), Put: row{n}, If: records.Missing}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		chosen records.Select
		want   []int
	}{
		"all":                  {records.Select{}, []int{4, 3, 2, 1, 0}},
		"oldest first":         {records.Select{OldestFirst: true, Limit: 2}, []int{0, 1, 2, 3, 4}},
		"a range":              {records.Select{From: "1", To: "3"}, []int{3, 2, 1}},
		"from one on":          {records.Select{From: "3"}, []int{4, 3}},
		"after a row":          {records.Select{Before: schema.Notice("ann", "2").SK}, []int{1, 0}},
		"a range without rows": {records.Select{From: "7", To: "9"}, nil},
	} {
		var got []int
		err := table.Each(t.Context(), of, c.chosen, func(_ schema.Key, found map[string]types.AttributeValue) (bool, error) {
			var rows []row
			err := records.Decode(found, &rows)
			got = append(got, rows[0].N)
			return true, err
		})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestARowThatCannotBeReadDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	var rows []row
	for _, n := range []types.AttributeValue{&types.AttributeValueMemberN{Value: "1"}, &types.AttributeValueMemberS{Value: "two"}, &types.AttributeValueMemberN{Value: "3"}} {
		records.DecodeReadable(t.Context(), schema.Notice("ann", "n"), map[string]types.AttributeValue{"n": n}, &rows)
	}
	if want := []row{{1}, {3}}; !slices.Equal(rows, want) {
		t.Errorf("read %v, want %v", rows, want)
	}
}

// DynamoDB refuses an empty sort key, even as a bound.
func TestARangeOfAWholePartitionNeedsNoLowerBound(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	table := records.New(tables.Client, tables.Records)
	for n := range 3 {
		if err := table.Transact(t.Context(), "writing", records.Write{Key: schema.Key{PK: "audit", SK: fmt.Sprint(n)}, Put: row{n}}); err != nil {
			t.Fatal(err)
		}
	}
	visited := 0
	err := table.Each(t.Context(), schema.AuditEntries(), records.Select{To: "1"}, func(schema.Key, map[string]types.AttributeValue) (bool, error) {
		visited++
		return true, nil
	})
	if err != nil || visited != 2 {
		t.Errorf("visited %d rows, %v; want 2", visited, err)
	}
}

func TestATransactionIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	table := records.New(tables.Client, tables.Records)
	note := records.Write{Key: schema.Settings("ann"), Put: row{1}}
	if err := table.Transact(t.Context(), "writing", note, records.OfAPerson("ann")); !errors.Is(err, records.ErrRefused) {
		t.Errorf("about nobody: %v", err)
	}
	if found, err := table.Get(t.Context(), note.Key, &row{}); found || err != nil {
		t.Errorf("the row is there: %t, %v", found, err)
	}
	if err := table.Transact(t.Context(), "writing", records.Write{Key: schema.Person("ann"), Put: struct{}{}}); err != nil {
		t.Fatal(err)
	}
	note.Expires = time.Unix(99, 0)
	if err := table.Transact(t.Context(), "writing", note, records.OfAPerson("ann")); err != nil {
		t.Errorf("about a person: %v", err)
	}
	out, err := tables.Client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &tables.Records, Key: note.Key.Attributes()})
	if err != nil || schema.NumberOf(out.Item[schema.TTL]) != 99 {
		t.Errorf("the row is %v, %v", out, err)
	}
	if err := table.Transact(t.Context(), "removing", records.Write{Key: note.Key, If: records.Exists}); err != nil {
		t.Errorf("removing: %v", err)
	}
	if err := table.Transact(t.Context(), "removing", records.Write{Key: note.Key, If: records.Exists}); !errors.Is(err, records.ErrRefused) {
		t.Errorf("removing twice: %v", err)
	}
}

// Workers wait, and people are told to try again.
func TestATableThatDoesNotAnswerIsUnavailableAndPostponesWork(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	table := records.New(tables.Client, "no-such-table")
	_, get := table.Get(t.Context(), schema.Settings("ann"), &row{})
	for what, err := range map[string]error{"reading": get, "writing": table.Transact(t.Context(), "writing", records.Write{Key: schema.Settings("ann"), Put: row{1}})} {
		var postponed *portal.Postponed
		if portal.CodeOf(err) != portal.Unavailable || !errors.As(err, &postponed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
