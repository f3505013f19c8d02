package gateway

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
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// keyRoom knows whether the AWS account has room for another API key. While it has none, a row of
// the records table says until when, and no process asks AWS, except once if it saw room shortly
// before. Then one call tries again.
//
//	no row ── no room ──▶ full until T ── T passes, one call ──▶ trying ── succeeds ──▶ no row
//	                           ▲                                   │
//	                           └──────── no room: twice as long ───┘
type keyRoom struct {
	db     table
	name   string
	target portal.Target
	now    func() time.Time

	mu     sync.Mutex
	full   fullRow
	readAt time.Time
}

const (
	firstFull   = time.Minute
	longestFull = time.Hour
	// tryingFor is how long the call that tries again keeps others off.
	tryingFor = 30 * time.Second
	// A process reads the row again after fullMemory, or after roomMemory if there was none.
	fullMemory = 5 * time.Second
	roomMemory = time.Minute
)

// Until is epoch milliseconds.
type fullRow struct {
	Until  int64         `dynamodbav:"until"`
	Wait   time.Duration `dynamodbav:"wait"`
	Trying bool          `dynamodbav:"trying"`
}

func (r fullRow) exists() bool { return r.Until != 0 }

// until is when to try again: now if no right clock can have stored the row.
func (r fullRow) until(now time.Time) time.Time {
	return clock.Believed(time.UnixMilli(r.Until), now, min(r.Wait, longestFull))
}

// check returns nil if a key may be created, otherwise a *LimitReached, or a *portal.Postponed if
// the table does not answer. After the row's time, only one caller in tryingFor gets nil.
func (k *keyRoom) check(ctx context.Context) error {
	now := k.now()
	switch room, until := k.remembered(now); {
	case room:
		return nil
	case !until.IsZero():
		return &LimitReached{Limit: Keys, Until: until}
	}
	row, err := k.read(ctx)
	if err != nil {
		return portal.Postpone("limit store", err)
	}
	if !row.exists() {
		return nil
	}
	if until := row.until(now); until.After(now) {
		return &LimitReached{Limit: Keys, Until: until}
	}
	next := fullRow{Until: now.Add(tryingFor).UnixMilli(), Wait: max(row.Wait, tryingFor), Trying: true}
	ok, err := k.replace(ctx, row, next)
	switch {
	case err != nil:
		return portal.Postpone("limit store", err)
	case !ok:
		return &LimitReached{Limit: Keys, Until: time.UnixMilli(next.Until)}
	}
	return nil
}

func (k *keyRoom) remembered(now time.Time) (room bool, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := now.Sub(k.readAt)
	if !k.full.exists() {
		return age < roomMemory, time.Time{}
	}
	if until = k.full.until(now); k.full.Trying || !until.After(now) || age >= fullMemory {
		return false, time.Time{}
	}
	return false, until
}

func (k *keyRoom) recordFull(ctx context.Context) (until time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tableTimeout)
	defer cancel()
	now := k.now()
	until = now.Add(firstFull)
	row, err := k.read(ctx)
	if err == nil && row.exists() && !row.Trying && row.until(now).After(now) {
		return row.until(now) // another call has just recorded it
	}
	next := fullRow{Wait: firstFull}
	if row.exists() {
		next.Wait = min(2*row.Wait, longestFull)
	}
	next.Until = now.Add(next.Wait).UnixMilli()
	if err == nil {
		_, err = k.replace(ctx, row, next)
	}
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("cannot record that the account has no room for keys")
		return until
	}
	return time.UnixMilli(next.Until)
}

func (k *keyRoom) recordRoom(ctx context.Context) {
	k.mu.Lock()
	known := k.full.exists()
	k.full = fullRow{}
	k.mu.Unlock()
	if !known {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tableTimeout)
	defer cancel()
	_, err := k.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String(k.name), Key: k.key()})
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("cannot record that the account has room for keys again")
	}
}

func (k *keyRoom) key() map[string]types.AttributeValue {
	return schema.FullOfKeys(k.target).Attributes()
}

func (k *keyRoom) read(ctx context.Context) (row fullRow, err error) {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	out, err := k.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(k.name), Key: k.key(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return row, fmt.Errorf("reading the row of the key limit: %w", err)
	}
	if err := attributevalue.UnmarshalMap(out.Item, &row); err != nil {
		return row, fmt.Errorf("decoding the row of the key limit: %w", err)
	}
	k.remember(row)
	return row, nil
}

func (k *keyRoom) remember(row fullRow) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.full, k.readAt = row, k.now()
}

func (k *keyRoom) replace(ctx context.Context, seen, next fullRow) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	item, err := attributevalue.MarshalMap(next)
	if err != nil {
		return false, fmt.Errorf("encoding the row of the key limit: %w", err)
	}
	maps.Copy(item, k.key())
	in := &dynamodb.PutItemInput{TableName: aws.String(k.name), Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if seen.exists() {
		in.ConditionExpression = aws.String("#until = :seen")
		in.ExpressionAttributeNames = map[string]string{"#until": "until"}
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":seen": schema.Number(seen.Until)}
	}
	_, err = k.db.PutItem(ctx, in)
	var lost *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &lost):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("writing the row of the key limit: %w", err)
	}
	k.remember(next)
	return true, nil
}
