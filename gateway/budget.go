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

// table is what budget and leases need of DynamoDB.
type table interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// BudgetConfig of NewBudget.
type BudgetConfig struct {
	// Table is the name of the records table.
	Table string
	// Share is the part of AWS's quotas that Gatehouse may use, above 0 and at most
	// 1; 0 is a half. The account's own deployments need the rest.
	Share float64
	// Target is the account, Region and role whose quotas these are.
	Target portal.Target
	// Now is the clock; nil is the system's. Waiting is by the system's in any case.
	// Processes whose clocks differ by some seconds stay within the budget together:
	// time flows in it once, by the clock that is ahead. A clock that is further ahead than
	// ten seconds does not count.
	Now func() time.Time
}

// Budget hands out tokens, one for each attempt of a call. What is left is one item
// of the records table, so it holds for all
// processes together, however many there are.
type Budget struct {
	db     table
	name   string
	target portal.Target
	limits limits
	now    func() time.Time
	attach *attachLease
	room   *keyRoom

	mu     sync.Mutex
	takers map[queue]*taker
	// seen is the item as this process last knew it, at seenAt; the zero time for never.
	seen   budgetItem
	seenAt time.Time
}

type queue struct {
	class   class
	urgency Urgency
}

// patience is how long a call waits for a token, or for its turn to attach.
const patience = 2 * time.Second

// budgetMemory is how long a process goes by the item as it last knew it where it is only
// asked for, and not written. Others may have drawn since, so there are fewer tokens than it
// says, or as many.
const budgetMemory = time.Second

// NewBudget returns the budget. It does no I/O; the item is made by the first call.
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
		takers: map[queue]*taker{},
	}, nil
}

func (b *Budget) taker(c class, u Urgency) *taker {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := queue{class: c, urgency: u}
	t, ok := b.takers[q]
	if !ok {
		t = &taker{budget: b, queue: q}
		b.takers[q] = t
	}
	return t
}

// budgetItem is the item. Every write raises the revision, on condition that no other
// process has.
type budgetItem struct {
	Revision int64 `dynamodbav:"revision"`
	balance
}

var errContended = errors.New("the budget changed under every attempt to write it")

// draw takes up to want tokens in one conditional write. None, and how long to wait, is an
// answer and costs no write, except that background calls leave word that they wait. To
// want none asks how long until there is one.
func (b *Budget) draw(ctx context.Context, q queue, want int) (got int, wait time.Duration, err error) {
	if want == 0 && q.urgency != Interactive {
		// It is asked before the attach lease is taken, which nobody may hold only to wait.
		if _, err := b.read(ctx); err != nil {
			return 0, 0, err
		}
	}
	err = b.update(ctx, func(now balance) (next balance, write bool) {
		next, got, wait = now.draw(q.class, q.urgency, want, b.limits)
		return next, got > 0 || next.StarvedAt != now.StarvedAt
	})
	if errors.Is(err, errContended) {
		return 0, jitter(20*time.Millisecond, 100*time.Millisecond), nil
	}
	return got, wait, err
}

// throttled records that AWS throttled a call that had a token.
func (b *Budget) throttled(ctx context.Context) error {
	return b.update(ctx, func(now balance) (next balance, write bool) { return now.throttled(), true })
}

// update changes the item by a function of what it says. It goes by what this process last
// knew. If another has written the item since, the write fails, and the failure tells
// what the item says now. Processes that meet more than once wait for moments that differ.
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
		seenAt := item.At
		item.balance = next
		err = b.write(ctx, item, seenAt)
		var lost *types.ConditionalCheckFailedException
		if !errors.As(err, &lost) {
			return err
		}
		if item, err = b.remember(lost.Item); err != nil {
			return err
		}
		age = 0
		if try == 0 {
			continue // It may have been written long ago.
		}
		if err := sleep(ctx, jitter(time.Millisecond, 20*time.Millisecond)); err != nil {
			return err
		}
	}
	return errContended
}

// known is the item as this process last knew it, and how long ago that was. If it never did,
// it is read.
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

// remember decodes the item as it was found, and keeps it for the next update.
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

func (b *Budget) write(ctx context.Context, item budgetItem, seenAt int64) error {
	in := &dynamodb.PutItemInput{
		TableName:                           aws.String(b.name),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if item.Revision == 0 {
		in.ConditionExpression = aws.String("attribute_not_exists(pk)")
	} else {
		// A table that was lost counts its revisions anew, so the time must be the same, too.
		in.ConditionExpression = aws.String("revision = :seen AND #at = :at")
		in.ExpressionAttributeNames = map[string]string{"#at": "at"}
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":seen": number(item.Revision), ":at": number(seenAt)}
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

// postponed hands a message back for 5 to 30 seconds, so that fresh ones are
// received meanwhile.
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
