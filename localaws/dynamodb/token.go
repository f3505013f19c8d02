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
	// purgePerWrite is how many expired tokens a transaction deletes: more than it adds, so
	// that the bucket does not grow forever.
	purgePerWrite = 4
)

// Completed transactions are stored by token, and again by expiry.
const (
	tokensBucket = "tokens"
	expiryBucket = "token-expiry"
)

// clientToken makes a transaction idempotent: the caller's token and a digest of the
// actions. An empty name means no token.
type clientToken struct {
	name   string
	digest [sha256.Size]byte
}

type doneTransaction struct {
	Digest  []byte
	Expires time.Time
}

// newToken's digest omits ReturnConsumedCapacity, which may differ between attempts.
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

// appendContent encodes items separately, to keep encoding/json from going over them again.
func (in *transactAction) appendContent(dst []byte) []byte {
	for _, it := range []Item{in.Item, in.Key, in.ExpressionAttributeValues} {
		dst = it.appendJSON(dst)
	}
	rest := *in
	rest.Item, rest.Key, rest.ExpressionAttributeValues = nil, nil, nil
	others, _ := json.Marshal(rest) // strings can always be encoded
	return append(dst, others...)
}

// isDone reports whether the transaction was completed with this unexpired token. A token
// of another transaction is an error.
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
		// The name may have been reused since.
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
