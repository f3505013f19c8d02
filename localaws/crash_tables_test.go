package localaws_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }
func whole(n int) types.AttributeValue       { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

func row(stream string, n int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(stream), "sk": whole(n)}
}

func createTable(s *session, name string) error {
	_, err := s.tables.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeN},
		},
	})
	return err
}

// rows reads the numbers of a stream's rows, starting at from, in order.
func rows(s *session, table, stream string, from int) (numbers []int) {
	s.t.Helper()
	pages := dynamodb.NewQueryPaginator(s.tables, &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk and sk >= :from"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(stream), ":from": whole(from)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		s.must("reading "+stream, err)
		for _, item := range page.Items {
			numbers = append(numbers, number(item["sk"].(*types.AttributeValueMemberN).Value))
		}
	}
	return numbers
}

// streams count the rows written to each stream: acknowledged is the last row known to be
// written, and tried may be one higher.
type streams struct {
	t      testing.TB
	counts []*written
}

type written struct{ acknowledged, tried int }

func newStreams(t testing.TB, n int) streams {
	all := streams{t: t}
	for range n {
		all.counts = append(all.counts, &written{})
	}
	return all
}

// each runs write for every stream until it returns false.
func (w streams) each(s *session, write func(s *session, stream string, c *written) bool) {
	var clients sync.WaitGroup
	for i, c := range w.counts {
		clients.Go(func() {
			for write(s, fmt.Sprint(i), c) {
			}
		})
	}
	clients.Wait()
}

// recent is how many rows back check looks; finish looks at all.
const recent = 20

// wantRows wants all rows from a number on, up to acknowledged or tried.
func (w streams) wantRows(s *session, table string, from func(*written) int) {
	for i, c := range w.counts {
		got, start := rows(s, table, fmt.Sprint(i), from(c)), from(c)
		last := start + len(got) - 1
		for j, n := range got {
			if n != start+j {
				s.t.Errorf("%s: stream %d has row %d, want %d", table, i, n, start+j)
				break
			}
		}
		if last < c.acknowledged || last > c.tried {
			s.t.Errorf("%s: stream %d ends with %d, want %d to %d", table, i, last, c.acknowledged, c.tried)
		}
	}
}

// appends makes conditional puts, as a journal does: each number of a stream can be written
// once.
type appends struct{ streams }

func newAppends(t testing.TB) *appends { return &appends{newStreams(t, 3)} }

func (w *appends) setUp(s *session) error { return createTable(s, "appends") }
func (w *appends) run(s *session)         { w.each(s, w.write) }

func (w *appends) write(s *session, stream string, c *written) bool {
	again := c.tried > c.acknowledged
	c.tried = c.acknowledged + 1
	_, err := s.tables.PutItem(context.Background(), &dynamodb.PutItemInput{
		TableName: aws.String("appends"), Item: row(stream, c.tried), ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	var expected []string
	if again {
		expected = []string{"ConditionalCheckFailedException"}
	}
	if result := s.outcomeOf("putting", err, expected...); result != done && result != refused {
		return false
	}
	c.acknowledged = c.tried
	return true
}

func (w *appends) check(s *session) {
	w.wantRows(s, "appends", func(c *written) int { return max(1, c.acknowledged-recent) })
}

func (w *appends) finish(s *session) {
	w.wantRows(s, "appends", func(*written) int { return 1 })
}

// transactions writes a row to each of two tables and increments a counter, all or nothing.
// It repeats an unanswered transaction with the same token; that must count once.
type transactions struct{ streams }

func newTransactions(t testing.TB) *transactions { return &transactions{newStreams(t, 3)} }

func (w *transactions) setUp(s *session) error {
	for _, name := range []string{"left", "right", "totals"} {
		if err := createTable(s, name); err != nil {
			return err
		}
	}
	return nil
}

func (w *transactions) run(s *session) { w.each(s, w.write) }

func (w *transactions) write(s *session, stream string, c *written) bool {
	c.tried = c.acknowledged + 1
	put := func(table string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &table, Item: row(stream, c.tried), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}}
	}
	_, err := s.tables.TransactWriteItems(context.Background(), &dynamodb.TransactWriteItemsInput{
		ClientRequestToken: aws.String(fmt.Sprintf("%s-%d", stream, c.tried)),
		TransactItems: []types.TransactWriteItem{put("left"), {Update: &types.Update{
			TableName: aws.String("totals"), Key: row(stream, 0),
			UpdateExpression:          aws.String("ADD tally :one"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":one": whole(1)},
		}}, put("right")},
	})
	if s.outcomeOf("writing a transaction", err) != done {
		return false
	}
	c.acknowledged = c.tried
	return true
}

func (w *transactions) check(s *session) {
	w.wantWhole(s, func(c *written) int { return max(1, c.acknowledged-recent) })
}

func (w *transactions) finish(s *session) {
	w.wantWhole(s, func(*written) int { return 1 })
}

func (w *transactions) wantWhole(s *session, from func(*written) int) {
	w.wantRows(s, "left", from)
	w.wantRows(s, "right", from)
	for i, c := range w.counts {
		stream, start := fmt.Sprint(i), from(c)
		left, right := rows(s, "left", stream, start), rows(s, "right", stream, start)
		out, err := s.tables.GetItem(context.Background(), &dynamodb.GetItemInput{
			TableName: aws.String("totals"), Key: row(stream, 0), ConsistentRead: aws.Bool(true),
		})
		s.must("reading a total", err)
		total := 0
		if n, ok := out.Item["tally"].(*types.AttributeValueMemberN); ok {
			total = number(n.Value)
		}
		if len(left) != len(right) || total != start-1+len(left) {
			s.t.Errorf("stream %s is half written: up to %d left, %d right, the total is %d", stream, start-1+len(left), start-1+len(right), total)
		}
	}
}
