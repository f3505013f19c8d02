package dynamodb

import "sync"

// maxCached bounds what an expressionCache keeps. A program has a fixed number of
// expressions; only one that builds texts out of values goes beyond it.
const maxCached = 1024

// expressionCache keeps parsed expressions by their text. It is safe for
// concurrent use.
type expressionCache struct {
	mu     sync.RWMutex
	parsed map[cacheKey]*expression
}

type cacheKey struct {
	kind kind
	text string
}

func newExpressionCache() *expressionCache {
	return &expressionCache{parsed: map[cacheKey]*expression{}}
}

// parse is the function parse, remembering what succeeded.
func (c *expressionCache) parse(k kind, text string) (*expression, error) {
	key := cacheKey{k, text}
	c.mu.RLock()
	known, ok := c.parsed[key]
	c.mu.RUnlock()
	if ok {
		return known, nil
	}
	parsed, err := parse(k, text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.parsed) >= maxCached {
		clear(c.parsed)
	}
	c.parsed[key] = parsed
	return parsed, nil
}
