package operations

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// lastIntents remembers the last intents of accounts, perhaps wrongly, so that the next request
// can be counted and written in one transaction.
type lastIntents struct {
	mu sync.Mutex
	of map[portal.Actor]lastIntent
}

type lastIntent struct {
	intent portal.Intent
	at     time.Time
	// guessed counts the transactions since a number was drawn.
	guessed int
}

const (
	maxLastIntents = 1 << 14
	// intentMemory is how old a number may be to be a guess. Later, the account may have reached
	// another process in between.
	intentMemory = time.Minute
	// MaxGuesses is how many numbers are guessed before one is drawn, which also removes counts
	// of the past.
	MaxGuesses = 8
)

// guess returns the account's last number: probably 0 for an account that registers.
func (l *lastIntents) guess(row operationRow, request events.Request) (last portal.Intent, ok bool) {
	if id, own := row.Subject.Account(); !own || row.Actor != portal.AccountActor(id) {
		return 0, false
	}
	l.mu.Lock()
	known, found := l.of[row.Actor]
	l.mu.Unlock()
	if !found {
		_, registers := request.(events.RegisterUser)
		return 0, registers
	}
	return known.intent, row.CreatedAt.Sub(known.at).Abs() < intentMemory && known.guessed < MaxGuesses
}

func (l *lastIntents) drawn(row operationRow) { l.set(row, 0) }

func (l *lastIntents) guessed(row operationRow) {
	l.mu.Lock()
	before := l.of[row.Actor].guessed
	l.mu.Unlock()
	l.set(row, before+1)
}

// wrong makes the account draw its next number.
func (l *lastIntents) wrong(row operationRow) { l.set(row, MaxGuesses) }

func (l *lastIntents) set(row operationRow, guessed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil || len(l.of) >= maxLastIntents {
		l.of = map[portal.Actor]lastIntent{}
	}
	l.of[row.Actor] = lastIntent{intent: row.Intent, at: row.CreatedAt, guessed: guessed}
}

// errGuess: the guess is wrong, a limit is reached, or another process writes the same rows.
var errGuess = errors.New("the intent must be drawn")

// insertNext is draw and insert in one transaction, for a guessed intent. If nothing was written,
// the error is errGuess or notWritten.
func (r rows) insertNext(ctx context.Context, row operationRow, change bool) (known operationRow, isNew bool, err error) {
	writes, err := r.newOperation(row)
	if err != nil {
		return known, false, err
	}
	u := r.counting(row, true, change)
	u.follows(row.Intent)
	writes = append(writes, types.TransactWriteItem{Update: u.transacted(r.table, schema.Limits(row.Actor))})
	_, err = r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	if err == nil {
		return row, true, nil
	}
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return known, false, fmt.Errorf("writing operation %s: %w", row.ID, err)
	}
	for i, reason := range canceled.CancellationReasons {
		switch code := aws.ToString(reason.Code); {
		case code == "ConditionalCheckFailed" && i == 0:
			known, err = decodeOperation(row.ID, reason.Item)
			return known, false, err
		case code == "ConditionalCheckFailed", code == "TransactionConflict":
			return known, false, errGuess
		}
	}
	return known, false, fmt.Errorf("writing operation %s: %w", row.ID, err)
}

// follows makes the update fail unless the intent is the next number.
func (u *update) follows(intent portal.Intent) {
	if intent == 1 {
		u.conditions = append(u.conditions, fmt.Sprintf("attribute_not_exists(%s)", u.name("intent")))
		return
	}
	u.conditions = append(u.conditions, u.name("intent")+" = "+u.number(int64(intent)-1))
}
