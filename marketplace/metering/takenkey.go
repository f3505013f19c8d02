package metering

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/usage"
)

// takenKey is how much was taken from the counters of one key of a licence, into records or into
// Tally.Unbilled. Each key has a row, so that a licence may have had any number of keys. The row stays
// after the key's end: it says whose usage the key's counters are.
type takenKey struct {
	Account portal.AccountID `dynamodbav:"account"`
	Key     portal.KeyID     `dynamodbav:"key"`
	// Version is raised by each change, and 0 if the key has no row yet.
	Version int64 `dynamodbav:"version"`
	// Calls are those taken of each counter that may still grow, by day, plan and id in API Gateway.
	Calls map[string]int64 `dynamodbav:"calls"`
}

// keyName names a key of a licence.
type keyName struct {
	account portal.AccountID
	key     portal.KeyID
}

func (k takenKey) name() keyName { return keyName{k.Account, k.Key} }

// Reading is a counter of an account.
type Reading struct {
	Account portal.AccountID
	usage.Counter
}

func (r Reading) name() keyName { return keyName{r.Account, r.Key} }

// counter names the counter among those of its key. The names sort by day.
func (r Reading) counter() string {
	return r.Day.UTC().Format(time.DateOnly) + "#" + string(r.Plan) + "#" + string(r.GatewayKey)
}

// keyRows is how many rows of keys one transaction writes. DynamoDB takes 100 rows; the others are the tally
// and the records.
const keyRows = 60

// takenKeys are the keys of a licence, with what was taken from their counters.
type takenKeys struct {
	all     map[keyName]takenKey
	changed map[keyName]bool
}

// clone copies the keys, for a change of some of them.
func (k takenKeys) clone() takenKeys {
	return takenKeys{all: maps.Clone(k.all), changed: map[keyName]bool{}}
}

// taken is how many calls of the counter were taken.
func (k takenKeys) taken(r Reading) int64 { return k.all[r.name()].Calls[r.counter()] }

// touch prepares the key for a change, and forgets its counters of days before from. It reports false if the
// transaction has no room for another key.
func (k takenKeys) touch(name keyName, from time.Time) bool {
	if k.changed[name] {
		return true
	}
	if len(k.changed) == keyRows {
		return false
	}
	key := k.all[name]
	key.Calls = copied(key.Calls)
	maps.DeleteFunc(key.Calls, func(counter string, _ int64) bool { return counter < from.UTC().Format(time.DateOnly) })
	k.all[name], k.changed[name] = key, true
	return true
}

// take takes so many calls of the counter. Its key must be touched.
func (k takenKeys) take(r Reading, calls int64) { k.all[r.name()].Calls[r.counter()] += calls }

// touchNew touches the keys that have no row. It reports false if the transaction has no room for all of them.
func (k takenKeys) touchNew(from time.Time) bool {
	for name, key := range k.all {
		if key.Version == 0 && !k.touch(name, from) {
			return false
		}
	}
	return true
}

// written are the keys after their changes were written.
func (k takenKeys) written() takenKeys {
	for name := range k.changed {
		key := k.all[name]
		key.Version++
		k.all[name] = key
	}
	k.changed = nil
	return k
}

// takenKeys reads all keys that the licence ever had.
func (l *Ledger) takenKeys(ctx context.Context, tally Tally) (takenKeys, error) {
	keys := takenKeys{all: tally.earlierKeys(tally.Accounts)}
	of := schema.MeteringKeys(tally.Licence)
	pages := dynamodb.NewQueryPaginator(l.client, &dynamodb.QueryInput{
		TableName: &l.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return keys, unavailable("reading the keys of "+string(tally.Licence), err)
		}
		for _, item := range page.Items {
			var key takenKey
			if err := attributevalue.UnmarshalMap(item, &key); err != nil {
				return keys, fmt.Errorf("decoding row %s %s: %w", schema.KeyOf(item).PK, schema.KeyOf(item).SK, err)
			}
			keys.all[key.name()] = key
		}
	}
	return keys, nil
}

// putKeys writes the keys that have changed. The transaction fails if a row is not the one that was read:
// the rows were read one after another, and not at one moment.
func (l *Ledger) putKeys(licence portal.Stream, keys takenKeys) (puts []types.TransactWriteItem, err error) {
	for name := range keys.changed {
		key := keys.all[name]
		before := key.Version
		key.Version++
		item, err := encode(schema.MeteringKey(licence, name.account, name.key), key)
		if err != nil {
			return nil, err
		}
		puts = append(puts, l.putVersion(item, before))
	}
	return puts, nil
}

// earlierTally is what tallies had before each key had a row: all keys, and what was taken of each counter,
// by account, day, plan, key and id in API Gateway. The first change writes rows instead.
type earlierTally struct {
	EarlierTaken map[string]int64 `dynamodbav:"taken,omitempty"`
	EarlierKeys  []portal.KeyID   `dynamodbav:"keys,omitempty"`
}

func (e earlierTally) earlierKeys(accounts []portal.AccountID) map[keyName]takenKey {
	keys := map[keyName]takenKey{}
	for _, account := range accounts {
		for _, key := range e.EarlierKeys {
			keys[keyName{account, key}] = takenKey{Account: account, Key: key, Calls: map[string]int64{}}
		}
	}
	for name, calls := range e.EarlierTaken {
		parts := strings.Split(name, "#")
		if len(parts) != 5 {
			continue
		}
		if key, ok := keys[keyName{portal.AccountID(parts[0]), portal.KeyID(parts[3])}]; ok {
			key.Calls[parts[1]+"#"+parts[2]+"#"+parts[4]] = calls
		}
	}
	return keys
}
