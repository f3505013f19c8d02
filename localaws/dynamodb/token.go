package dynamodb

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const (
	maxToken      = 36
	tokenLifetime = 10 * time.Minute
	// purgePerWrite is how many expired tokens a transaction clears away at most:
	// more than it adds, so that the bucket cannot grow for ever.
	purgePerWrite = 4
)

// Done transactions are kept under their token, and a second time in the order in
// which they expire.
const (
	tokensBucket = "tokens"
	expiryBucket = "token-expiry"
)

// clientToken is what makes a transaction idempotent: the caller's name for it and a
// digest of what it does. An empty name is no token.
type clientToken struct {
	name   string
	digest [sha256.Size]byte
}

type doneTransaction struct {
	Digest  []byte
	Expires time.Time
}

// newToken leaves out what may differ between attempts: ReturnConsumedCapacity.
func newToken(in *transactWriteRequest) clientToken {
	if in.ClientRequestToken == "" {
		return clientToken{}
	}
	digest := sha256.New()
	var content []byte
	for _, w := range in.TransactItems {
		for i, a := range []*transactAction{w.Put, w.Update, w.Delete, w.ConditionCheck} {
			if a != nil {
				content = a.appendContent(append(content[:0], byte(i)))
				_, _ = digest.Write(content)
			}
		}
	}
	token := clientToken{name: in.ClientRequestToken}
	digest.Sum(token.digest[:0])
	return token
}

// appendContent appends JSON of all that the action has. Its items are encoded apart:
// encoding/json would go over them once more.
func (in *transactAction) appendContent(dst []byte) []byte {
	for _, it := range []Item{in.Item, in.Key, in.ExpressionAttributeValues} {
		dst = it.appendJSON(dst)
	}
	rest := *in
	rest.Item, rest.Key, rest.ExpressionAttributeValues = nil, nil, nil
	others, _ := json.Marshal(rest) // strings can always be encoded
	return append(dst, others...)
}

// isDone reports whether the transaction was done under this token and the token
// is still alive. It fails if the token was another transaction's.
func (t clientToken) isDone(tx *store.Tx, now time.Time) (bool, error) {
	if t.name == "" {
		return false, nil
	}
	done, found, err := store.GetJSON[doneTransaction](tx.Bucket(bucket, tokensBucket), t.name)
	switch {
	case err != nil || !found || !now.Before(done.Expires):
		return false, err
	case string(done.Digest) != string(t.digest[:]):
		return false, wire.Errorf("IdempotentParameterMismatchException",
			"DynamoDB rejected the request because you retried a request with a different payload but with an idempotent token that was already used.")
	}
	return true, nil
}

// setDone remembers the token and forgets some that have expired.
func (t clientToken) setDone(tx *store.Tx, now time.Time) error {
	if t.name == "" {
		return nil
	}
	if err := purgeTokens(tx, now); err != nil {
		return err
	}
	done := doneTransaction{Digest: t.digest[:], Expires: now.Add(tokenLifetime)}
	if err := store.PutJSON(tx.Bucket(bucket, tokensBucket), t.name, done); err != nil {
		return err
	}
	expiry := tx.Bucket(bucket, expiryBucket)
	return expiry.Put(append(expiryKey(done.Expires), t.name...), []byte(t.name))
}

func expiryKey(at time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano()))
}

func purgeTokens(tx *store.Tx, now time.Time) error {
	expiry, tokens := tx.Bucket(bucket, expiryBucket), tx.Bucket(bucket, tokensBucket)
	expired := map[string]string{}
	c := expiry.Cursor()
	for key, name := c.First(); key != nil && len(expired) < purgePerWrite && string(key) <= string(expiryKey(now)); key, name = c.Next() {
		expired[string(key)] = string(name)
	}
	for key, name := range expired {
		if err := expiry.Delete([]byte(key)); err != nil {
			return err
		}
		// The name may have been used again since.
		done, found, err := store.GetJSON[doneTransaction](tokens, name)
		if err != nil {
			return err
		}
		if found && !done.Expires.After(now) {
			if err := tokens.Delete([]byte(name)); err != nil {
				return err
			}
		}
	}
	return nil
}
