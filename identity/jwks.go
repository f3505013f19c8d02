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
	// keysAge is when the provider's keys are read again, so how long a removed key is
	// trusted.
	keysAge      = time.Hour
	keysPause    = time.Minute
	unknownPause = time.Minute
	// Unknown key ids cause at most unknownReadings, then one more every unknownEvery. That bounds
	// the calls that made-up key ids cause, and how long they can delay a new key.
	unknownReadings = 20
	unknownEvery    = 3 * time.Second
	maxUnknown      = 1000
	maxKeyID        = 256
)

var errUnknownKey = errors.New("the provider has no such key")

// keySet caches the provider's signing keys (RFC 7517). It reads them when first needed, when
// too old, and once for an unknown key id. Known keys stay in use while the provider does not
// answer.
type keySet struct {
	provider *provider
	now      func() time.Time
	asking   flight

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	read    time.Time            // when they were last read
	tried   time.Time            // when the last attempt to read them ended
	failure error                // of that attempt
	began   int                  // how many readings have begun
	unknown map[string]time.Time // when a key id was last not found
	allowed *rate.Limiter        // readings for unknown key ids
}

func newKeySet(p *provider, now func() time.Time) *keySet {
	return &keySet{
		provider: p, now: now, unknown: map[string]time.Time{},
		allowed: rate.NewLimiter(rate.Every(unknownEvery), unknownReadings),
	}
}

// find returns errUnknownKey if the provider has no such key, Unavailable if it does not
// answer.
func (k *keySet) find(ctx context.Context, algorithm, id string) (any, error) {
	if len(id) > maxKeyID {
		return nil, errUnknownKey
	}
	known, due, began, failure := k.look(algorithm, id)
	for due {
		failure = k.asking.do(ctx, func(ctx context.Context) error { return k.refresh(ctx, began) })
		known = k.known(algorithm, id)
		// A reading already in progress may have missed the key.
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

// look returns the key if known, whether to read the keys now, how many readings have begun, and
// the last one's error.
func (k *keySet) look(algorithm, id string) (known any, due bool, began int, failure error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known = choose(k.keys, algorithm, id)
	now := k.now()
	switch {
	case k.read.IsZero(): // No token can be verified yet, so every caller may try.
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

// missed records that the last reading did not find the key id, or returns false if it
// began before the caller's look.
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

// refresh reads the keys unless another reading has begun and ended since the caller's look.
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
		// A key of an unknown kind must not hide the others.
		if json.Unmarshal(raw, &key) == nil && key.Valid() && key.Use != "enc" && kind(key.Key) != "" {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// choose accepts a token without a key id only if the provider has just one key (OpenID Connect
// Core 1.0, section 10.1).
func choose(keys []jose.JSONWebKey, algorithm, id string) any {
	for _, key := range keys {
		named := key.KeyID == id || (id == "" && len(keys) == 1)
		if named && kind(key.Key) == algorithm && (key.Algorithm == "" || key.Algorithm == algorithm) {
			return key.Key
		}
	}
	return nil
}

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
