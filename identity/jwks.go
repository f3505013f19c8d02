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
	"golang.org/x/time/rate"
)

const (
	// keysAge is how old the provider's keys may get before they are read again: how
	// long a key that the provider has withdrawn is still trusted.
	keysAge = time.Hour
	// keysPause is the least time between two readings of keys that are old.
	keysPause = time.Minute
	// unknownPause is how long a key id is not looked for again after a reading of the
	// provider's keys did not find it.
	unknownPause = time.Minute
	// unknownReadings is how many readings unknown key ids can cause at once, and
	// unknownEvery how often one more. This bounds the calls to the provider that made-up
	// key ids cause, and the time by which they delay a new key.
	unknownReadings = 20
	unknownEvery    = 3 * time.Second
	// maxUnknown bounds the memory that unknown key ids take, and maxKeyID that of each.
	maxUnknown = 1000
	maxKeyID   = 256
)

var errUnknownKey = errors.New("the provider has no such key")

// keySet is the provider's signing keys (RFC 7517). They are read when first
// needed and when they are old; a key id that is not among them has them read
// again, once. Known keys are used on while the provider does not answer.
type keySet struct {
	provider *provider
	now      func() time.Time
	asking   flight

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	read    time.Time            // when they were last read
	tried   time.Time            // when that was last tried
	failure error                // how the last try went
	began   int                  // how many readings have begun
	unknown map[string]time.Time // when a key id was last looked for in vain
	allowed *rate.Limiter        // readings for the sake of unknown key ids
}

func newKeySet(p *provider, now func() time.Time) *keySet {
	return &keySet{
		provider: p, now: now, unknown: map[string]time.Time{},
		allowed: rate.NewLimiter(rate.Every(unknownEvery), unknownReadings),
	}
}

// find is the key that a token of this algorithm and key id is signed with:
// errUnknownKey if the provider has none, Unavailable if it cannot be asked.
func (k *keySet) find(ctx context.Context, algorithm, id string) (any, error) {
	if len(id) > maxKeyID {
		return nil, errUnknownKey
	}
	known, due, began, failure := k.look(algorithm, id)
	for due {
		failure = k.asking.do(ctx, func(ctx context.Context) error { return k.refresh(ctx, began) })
		known = k.known(algorithm, id)
		// A reading that was under way when this key was asked for may have missed it.
		due = known == nil && failure == nil && !k.missed(id, began)
	}
	switch {
	case known != nil:
		return known, nil
	case failure != nil:
		return nil, unreachable(fmt.Errorf("reading the keys of issuer %s: %w", k.provider.config.Issuer, failure))
	}
	return nil, errUnknownKey
}

// look is the key if it is known, whether the keys are due to be read, how many readings
// have begun, and how the last one went.
func (k *keySet) look(algorithm, id string) (known any, due bool, began int, failure error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known = choose(k.keys, algorithm, id)
	now := k.now()
	switch {
	case k.read.IsZero(): // Nothing can be verified, so every caller may try.
		due = true
	case known != nil:
		due = now.Sub(k.read) >= keysAge && now.Sub(k.tried) >= keysPause
	default:
		vain, looked := k.unknown[id]
		due = (!looked || now.Sub(vain) >= unknownPause) && k.allowed.AllowN(now, 1)
	}
	return known, due, k.began, k.failure
}

func (k *keySet) known(algorithm, id string) any {
	k.mu.Lock()
	defer k.mu.Unlock()
	return choose(k.keys, algorithm, id)
}

// missed notes that the last reading did not have the key id, if it began after the
// caller had counted the readings.
func (k *keySet) missed(id string, before int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.began == before {
		return false
	}
	if len(k.unknown) >= maxUnknown {
		clear(k.unknown)
	}
	k.unknown[id] = k.now()
	return true
}

// refresh reads the keys, unless a reading has begun since the caller counted them: as
// there is one at a time, that one is over.
func (k *keySet) refresh(ctx context.Context, before int) error {
	k.mu.Lock()
	if k.began != before {
		defer k.mu.Unlock()
		return k.failure
	}
	k.began++
	k.mu.Unlock()
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
