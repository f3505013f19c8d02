package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// keysAge is how old the provider's keys may get before they are read again: how
	// long a key that the provider has withdrawn is still trusted.
	keysAge = time.Hour
	// keysPause is the least time between two readings, so that tokens with made-up
	// key ids do not turn into calls to the provider.
	keysPause = time.Minute
)

var errUnknownKey = errors.New("the provider has no such key")

// keySet is the provider's signing keys (RFC 7517). They are read when first
// needed and when they are old; a key id that is not among them has them read
// again, at most once per keysPause. Known keys are used on while the provider
// does not answer.
type keySet struct {
	provider *provider
	now      func() time.Time
	asking   flight

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	read    time.Time // when they were last read
	tried   time.Time // when that was last tried
	failure error     // how the last try went
}

// find is the key that a token of this algorithm and key id is signed with:
// errUnknownKey if the provider has none, Unavailable if it cannot be asked.
func (k *keySet) find(ctx context.Context, algorithm, id string) (any, error) {
	known, due, failure := k.look(algorithm, id)
	if due {
		failure = k.asking.do(ctx, k.refresh)
		known, _, _ = k.look(algorithm, id)
	}
	switch {
	case known != nil:
		return known, nil
	case failure != nil:
		return nil, unreachable(fmt.Errorf("reading the keys of issuer %s: %w", k.provider.config.Issuer, failure))
	}
	return nil, errUnknownKey
}

// look is the key if it is known, whether the keys are due to be read again, and
// how the last reading went.
func (k *keySet) look(algorithm, id string) (known any, due bool, failure error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known = choose(k.keys, algorithm, id)
	stale := known == nil || k.now().Sub(k.read) >= keysAge
	return known, stale && k.mayTry(), k.failure
}

// mayTry says whether the last try was long enough ago. Without any keys nothing
// can be verified, so then every caller may.
func (k *keySet) mayTry() bool { return k.read.IsZero() || k.now().Sub(k.tried) >= keysPause }

func (k *keySet) refresh(ctx context.Context) error {
	k.mu.Lock()
	wanted, failure := k.mayTry(), k.failure
	k.mu.Unlock()
	if !wanted {
		return failure // somebody asked between our look and our turn
	}
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.failure = k.now(), err
	if err == nil {
		k.keys, k.read = keys, k.tried
	}
	return err
}

func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	from, err := k.provider.jwksURL(ctx)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.provider.document(ctx, from, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// One of a kind that we do not know must not hide the others.
		if json.Unmarshal(raw, &key) == nil && key.Valid() && key.Use != "enc" && kind(key.Key) != "" {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// choose is the key with this id that fits the algorithm. A token without a key id
// is for a provider with only one key (OpenID Connect Core 1.0, section 10.1).
func choose(keys []jose.JSONWebKey, algorithm, id string) any {
	for _, key := range keys {
		named := key.KeyID == id || (id == "" && len(keys) == 1)
		if named && kind(key.Key) == algorithm && (key.Algorithm == "" || key.Algorithm == algorithm) {
			return key.Key
		}
	}
	return nil
}

// kind is the algorithm we take of a public key, "" for all other keys.
func kind(key any) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return string(jose.RS256)
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize == 256 {
			return string(jose.ES256)
		}
	}
	return ""
}
