package dynamodb

import "sync"

// maxCached is exceeded only by programs that build expressions from values.
const maxCached = 1024

// expressionCache caches parsed expressions by text. It is safe for concurrent use.
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
