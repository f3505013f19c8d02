package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/leases"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type table interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// BudgetConfig configures a Budget.
type BudgetConfig struct {
	Table string
	// Share is the part of AWS's quotas that Gatehouse may use, above 0 and at most 1; 0 is a
	// half. Other uses of the AWS account need the rest.
	Share  float64
	Target portal.Target
	// Now is the clock for stored times; nil is the system's. Clocks of processes may differ by
	// up to clock.Skew: tokens are refilled once, by the clock that is ahead.
	Now func() time.Time
}

// Budget hands out tokens, one for each attempt. The balance is one item of the records table, so
// all processes share the budget.
type Budget struct {
	db     table
	name   string
	target portal.Target
	limits limits
	now    func() time.Time
	attach *attachLease
	room   *keyRoom

	mu     sync.Mutex
	takers map[callKind]*taker
	seen   budgetItem
	seenAt time.Time
}

type callKind struct {
	class   class
	urgency Urgency
}

// tokenWait is how long most calls wait for a token.
const tokenWait = 2 * time.Second

const tableTimeout = 2 * time.Second

// budgetMemory is how old the item in memory may be when nothing has to be written, as when there
// is no token.
const budgetMemory = time.Second

// NewBudget does no I/O; the first call creates the item.
func NewBudget(db table, cfg BudgetConfig) (*Budget, error) {
	if cfg.Table == "" {
		return nil, errors.New("control plane budget: the records table has no name")
	}
	cfg.Share = cmp.Or(cfg.Share, 0.5)
	if !(cfg.Share > 0 && cfg.Share <= 1) {
		return nil, fmt.Errorf("control plane budget: share %v, want more than 0 and at most 1", cfg.Share)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Budget{
		db: db, name: cfg.Table, target: cfg.Target, limits: quotas.scaled(cfg.Share).cautious(), now: cfg.Now,
		attach: &attachLease{leases: leases.New(db, leases.Config{Table: cfg.Table, Target: cfg.Target, Now: cfg.Now}), key: schema.AttachLease(cfg.Target), now: cfg.Now},
		room:   &keyRoom{db: db, name: cfg.Table, target: cfg.Target, now: cfg.Now},
		takers: map[callKind]*taker{},
	}, nil
}

func (b *Budget) taker(c class, u Urgency) *taker {
	b.mu.Lock()
	defer b.mu.Unlock()
	kind := callKind{class: c, urgency: u}
	t, ok := b.takers[kind]
	if !ok {
		t = &taker{budget: b, kind: kind}
		b.takers[kind] = t
	}
	return t
}

type budgetItem struct {
	Revision int64 `dynamodbav:"revision"`
	balance
}

var errContended = errors.New("other processes changed the budget before every attempt to write it")

// draw takes up to want tokens in one conditional write. Taking none writes nothing, except that
// background calls mark that they wait. A want of 0 only asks for the wait.
func (b *Budget) draw(ctx context.Context, kind callKind, want int) (got int, wait time.Duration, err error) {
	if want == 0 && kind.urgency != Interactive {
		// The caller is about to take the attach lease, and must not hold it only to wait.
		if _, err := b.read(ctx); err != nil {
			return 0, 0, err
		}
	}
	err = b.update(ctx, func(now balance) (next balance, write bool) {
		next, got, wait = now.draw(kind.class, kind.urgency, want, b.limits)
		return next, got > 0 || next.StarvedAt != now.StarvedAt
	})
	if errors.Is(err, errContended) {
		return 0, jitter(20*time.Millisecond, 100*time.Millisecond), nil
	}
	return got, wait, err
}

func (b *Budget) throttled(ctx context.Context) error {
	return b.update(ctx, func(now balance) (next balance, write bool) { return now.throttled(), true })
}

// update changes the item in memory. If another process has written since, the write fails and
// returns the present item.
func (b *Budget) update(ctx context.Context, change func(now balance) (next balance, write bool)) error {
	item, age, err := b.known(ctx)
	if err != nil {
		return err
	}
	for try := range 10 {
		next, write := change(item.refilled(b.now(), b.limits))
		switch {
		case !write && age < budgetMemory:
			return nil
		case !write:
			if item, err = b.read(ctx); err != nil {
				return err
			}
			age = 0
			continue
		}
		storedAt := item.At
		item.balance = next
		err = b.write(ctx, item, storedAt)
		var lost *types.ConditionalCheckFailedException
		if !errors.As(err, &lost) {
			return err
		}
		if item, err = b.remember(lost.Item); err != nil {
			return err
		}
		age = 0
		if try == 0 {
			continue // the remembered item may just be old
		}
		if err := sleep(ctx, jitter(time.Millisecond, 20*time.Millisecond)); err != nil {
			return err
		}
	}
	return errContended
}

func (b *Budget) known(ctx context.Context) (item budgetItem, age time.Duration, err error) {
	b.mu.Lock()
	item, at := b.seen, b.seenAt
	b.mu.Unlock()
	if at.IsZero() {
		item, err = b.read(ctx)
		return item, 0, err
	}
	return item, time.Since(at), nil
}

func (b *Budget) key() map[string]types.AttributeValue {
	return schema.Budget(b.target).Attributes()
}

func (b *Budget) read(ctx context.Context) (budgetItem, error) {
	out, err := b.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(b.name), Key: b.key(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return budgetItem{}, fmt.Errorf("reading the control plane budget: %w", err)
	}
	return b.remember(out.Item)
}

func (b *Budget) remember(found map[string]types.AttributeValue) (item budgetItem, err error) {
	if err := attributevalue.UnmarshalMap(found, &item); err != nil {
		return item, fmt.Errorf("reading the control plane budget: %w", err)
	}
	b.keep(item)
	return item, nil
}

func (b *Budget) keep(item budgetItem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen, b.seenAt = item, time.Now()
}

func (b *Budget) write(ctx context.Context, item budgetItem, storedAt int64) error {
	in := &dynamodb.PutItemInput{
		TableName:                           aws.String(b.name),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if item.Revision == 0 {
		in.ConditionExpression = aws.String("attribute_not_exists(pk)")
	} else {
		// In a new table revisions start again, so the time must match, too.
		in.ConditionExpression = aws.String("revision = :seen AND #at = :at")
		in.ExpressionAttributeNames = map[string]string{"#at": "at"}
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":seen": schema.Number(item.Revision), ":at": schema.Number(storedAt)}
	}
	item.Revision++
	var err error
	if in.Item, err = attributevalue.MarshalMap(item); err != nil {
		return fmt.Errorf("writing the control plane budget: %w", err)
	}
	maps.Copy(in.Item, b.key())
	if _, err := b.db.PutItem(ctx, in); err != nil {
		return fmt.Errorf("writing the control plane budget: %w", err)
	}
	b.keep(item)
	return nil
}

func noToken() error { return postponed("budget") }

// postponed hands a message back for 5 to 30 seconds, so that the worker receives fresher ones.
func postponed(reason string) error {
	return &portal.Postponed{After: jitter(5*time.Second, 30*time.Second), Reason: reason}
}

func jitter(from, to time.Duration) time.Duration { return from + rand.N(to-from) }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
