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

// shape is the version of the rows' format and content. Raise it with any change that old rows
// need, too; the views are then rebuilt.
const shape = 7

// pointerMaxAge is how old a pointer in use may be.
const pointerMaxAge = time.Second

// maxSharedWait is how long a caller waits for another's read, which may be stuck on a dead
// connection, before it reads itself.
const maxSharedWait = 500 * time.Millisecond

// pointer names the generation that readers see. While Next is set, the views are being rebuilt,
// and projectors write both. The pointer is in the views table, so a new table starts with the
// first generation.
type pointer struct {
	Live      schema.Generation `dynamodbav:"live"`
	Next      schema.Generation `dynamodbav:"next"`
	Shape     int               `dynamodbav:"shape"`
	NextShape int               `dynamodbav:"next_shape,omitempty"`
	// Build identifies the rebuild that set Next. A rebuild that finds another Build knows that
	// the table was lost.
	Build string `dynamodbav:"build,omitempty"`
}

// first is the pointer of a table that has none.
var first = pointer{Live: 1, Shape: shape}

type generations struct {
	client        client
	table         string
	now           func() time.Time
	maxSharedWait time.Duration

	reading singleflight.Group

	mu   sync.Mutex
	last pointer
	// stored is false if the table has no pointer; last is then first.
	stored bool
	at     time.Time
}

func newGenerations(client client, table string) *generations {
	return &generations{client: client, table: table, now: time.Now, maxSharedWait: maxSharedWait}
}

// current is at most pointerMaxAge old. Concurrent callers share one read.
func (g *generations) current(ctx context.Context) (pointer, error) {
	type reading struct {
		pointer
		asked time.Time
	}
	arrived := g.now()
	for {
		if last, _, ok := g.known(); ok {
			return last, nil
		}
		shared := g.reading.DoChan("", func() (_ any, err error) {
			defer portal.Recover(&err)
			// Another read may have ended since this caller looked.
			if last, asked, ok := g.known(); ok {
				return reading{last, asked}, nil
			}
			asked := g.now()
			found, err := g.read(context.WithoutCancel(ctx))
			return reading{found, asked}, err
		})
		select {
		case result := <-shared:
			if result.Err != nil {
				return pointer{}, result.Err
			}
			// The shared read may have begun long before.
			if found := result.Val.(reading); arrived.Sub(found.asked) < pointerMaxAge {
				return found.pointer, nil
			}
		case <-time.After(g.maxSharedWait):
			return g.read(ctx)
		case <-ctx.Done():
			return pointer{}, unavailable(ctx.Err(), "reading the pointer of the views")
		}
	}
}

// guess is the pointer that this process read last, of any age.
func (g *generations) guess() (last pointer, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, g.last.Live != 0
}

// inLive reads in the last known live generation while it reads the pointer again, and reads
// again if that has changed.
func inLive[T any](ctx context.Context, g *generations, read func(context.Context, schema.Generation) (T, error)) (T, error) {
	guess, guessed := g.guess()
	if _, _, known := g.known(); known || !guessed {
		now, err := g.current(ctx)
		if err != nil {
			var none T
			return none, err
		}
		return read(ctx, now.Live)
	}
	type answer struct {
		value T
		err   error
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	early := make(chan answer, 1)
	go func() {
		var a answer
		a.err = portal.Guard(func() (err error) {
			a.value, err = read(within, guess.Live)
			return err
		})()
		early <- a
	}()
	now, err := g.current(ctx)
	switch {
	case err != nil:
		var none T
		return none, err
	case now.Live != guess.Live:
		return read(ctx, now.Live)
	}
	a := <-early
	return a.value, a.err
}

func (g *generations) known() (last pointer, at time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, g.at, !g.at.IsZero() && g.now().Sub(g.at) < pointerMaxAge
}

// read reads the pointer, whose age counts from before the request.
func (g *generations) read(ctx context.Context) (pointer, error) {
	asked := g.now()
	out, err := g.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &g.table, Key: schema.LiveGeneration().Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return pointer{}, unavailable(err, "reading the pointer of the views")
	}
	found := first
	if out.Item != nil {
		found = pointer{}
		if err := attributevalue.UnmarshalMap(out.Item, &found); err != nil {
			return pointer{}, fmt.Errorf("decoding the pointer of the views: %w", err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !asked.Before(g.at) {
		g.last, g.stored, g.at = found, out.Item != nil, asked
	}
	return found, nil
}

// forWriting returns the pointer for a projector that is about to write rows of its own shape. It
// stores a missing pointer, so that later versions know the rows' shape. If the live rows have a
// newer shape, it lowers the pointer's shape, so that the newer version rebuilds the views after
// a rollback.
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

var errMoved = errors.New("another process has moved the pointer of the views")

// move replaces the pointer, or returns errMoved if the stored one is not from. A missing pointer
// counts as the first.
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
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
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

// written lists the generations that this version writes, none of a newer shape. The live one is
// last, so that the next one has everything that readers see when the pointer moves.
func (p pointer) written() []schema.Generation {
	if p.Next != 0 && p.NextShape <= shape {
		return []schema.Generation{p.Next, p.Live}
	}
	return []schema.Generation{p.Live}
}
