package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// shape is the version of the rows' shape and content, which the pointer records. Raise it
// with a change of either that readers have to see in old rows, too; the views then have to
// be written anew.
const shape = 2

// refreshed is how long a process may go by the pointer that it has read.
const refreshed = time.Second

// sharedReading is how long somebody waits for another who reads the pointer for all.
const sharedReading = 500 * time.Millisecond

// pointer says which generation of the views is live: what readers see. While Next is
// set, the views are being rebuilt, and projectors write both. It lies in the views table,
// so that a table which was lost starts anew with the first generation, and empty.
type pointer struct {
	Live schema.Generation `dynamodbav:"live"`
	Next schema.Generation `dynamodbav:"next"`
	// Shape is that of the live generation's rows, NextShape that of the next one's.
	Shape     int `dynamodbav:"shape"`
	NextShape int `dynamodbav:"next_shape,omitempty"`
	// Build identifies the rebuild that set Next. It tells a rebuild whether the table was
	// lost meanwhile and another rebuild began in the new one.
	Build string `dynamodbav:"build,omitempty"`
}

// first is the pointer of a table that has none.
var first = pointer{Live: 1, Shape: shape}

// generations tells which generations there are. It is safe for concurrent use.
type generations struct {
	client client
	table  string
	now    func() time.Time

	reading singleflight.Group

	mu   sync.Mutex
	last pointer
	// stored is false if the table has no pointer, and last is the first.
	stored bool
	at     time.Time
}

func newGenerations(client client, table string) *generations {
	return &generations{client: client, table: table, now: time.Now}
}

// current is the pointer, as it was at most a second ago. Of many that ask at once, one reads
// it for all.
func (g *generations) current(ctx context.Context) (pointer, error) {
	type reading struct {
		pointer
		asked time.Time
	}
	arrived := g.now()
	for {
		if last, ok := g.known(); ok {
			return last, nil
		}
		shared := g.reading.DoChan("", func() (_ any, err error) {
			defer portal.Recover(&err)
			asked := g.now()
			found, err := g.read(context.WithoutCancel(ctx))
			return reading{found, asked}, err
		})
		select {
		case result := <-shared:
			if result.Err != nil {
				return pointer{}, result.Err
			}
			// One that began long before is as old as that.
			if found := result.Val.(reading); arrived.Sub(found.asked) < refreshed {
				return found.pointer, nil
			}
		case <-time.After(sharedReading):
			return g.read(ctx) // the one who reads for all may wait on a connection that is dead
		case <-ctx.Done():
			return pointer{}, unavailable(ctx.Err(), "reading which views are live")
		}
	}
}

func (g *generations) known() (last pointer, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, !g.at.IsZero() && g.now().Sub(g.at) < refreshed
}

// read reads the pointer. Its age counts from before the request.
func (g *generations) read(ctx context.Context) (pointer, error) {
	asked := g.now()
	out, err := g.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &g.table, Key: schema.LiveGeneration().Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return pointer{}, unavailable(err, "reading which views are live")
	}
	found := first
	if out.Item != nil {
		found = pointer{}
		if err := attributevalue.UnmarshalMap(out.Item, &found); err != nil {
			return pointer{}, fmt.Errorf("decoding which views are live: %w", err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !asked.Before(g.at) {
		g.last, g.stored, g.at = found, out.Item != nil, asked
	}
	return found, nil
}

// forWriting is the pointer for a projector, which is about to write rows of its own shape.
// It stores the first pointer in a table that has none, so that a later version learns which
// shape the rows have. If the live rows have a newer shape, an older version is still, or
// again, running: it lowers the shape that the pointer names, and the newer version then
// rebuilds the views once more.
func (g *generations) forWriting(ctx context.Context) (pointer, error) {
	now, err := g.current(ctx)
	if err != nil {
		return now, err
	}
	g.mu.Lock()
	stored := g.stored || now != first
	g.mu.Unlock()
	if stored && now.Shape <= shape {
		return now, nil
	}
	lowered := now
	lowered.Shape = min(now.Shape, shape)
	if err := g.move(ctx, now, lowered); err != nil && !errors.Is(err, errMoved) {
		return now, err
	}
	return g.read(ctx)
}

// errMoved says that somebody else has moved the pointer.
var errMoved = errors.New("somebody else has moved the pointer of the views")

// move replaces the pointer; errMoved if it is not what it was held for. A table that has
// none stands for the first.
func (g *generations) move(ctx context.Context, from, to pointer) error {
	item, err := attributevalue.MarshalMap(to)
	if err != nil {
		return err
	}
	maps.Copy(item, schema.LiveGeneration().Attributes())
	condition := "live = :live AND #next = :next"
	values := map[string]types.AttributeValue{":live": schema.Number(int64(from.Live)), ":next": schema.Number(int64(from.Next))}
	switch {
	case from == first:
		condition = "attribute_not_exists(pk) OR " + condition
	case from.Build != "":
		condition += " AND build = :build"
		values[":build"] = schema.Text(from.Build)
	}
	_, err = g.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &g.table, Item: item,
		ConditionExpression: aws.String(condition),
		ExpressionAttributeNames: map[string]string{
			"#next": "next",
		},
		ExpressionAttributeValues: values,
	})
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return errMoved
	}
	if err != nil {
		return unavailable(err, "moving the pointer of the views")
	}
	g.mu.Lock()
	g.at = time.Time{}
	g.mu.Unlock()
	return nil
}

// written lists the generations that this version of the projectors writes, the live one
// last: what readers see by now the next generation has, too, so nothing vanishes when the
// pointer moves. A next generation of a newer shape is left to the newer version.
func (p pointer) written() []schema.Generation {
	if p.Next != 0 && p.NextShape <= shape {
		return []schema.Generation{p.Next, p.Live}
	}
	return []schema.Generation{p.Live}
}
