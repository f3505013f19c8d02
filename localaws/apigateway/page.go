package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// AWS's page sizes.
const (
	defaultLimit = 25
	maxLimit     = 500
)

type list[T any] struct {
	Item     []T    `json:"item"`
	Position string `json:"position,omitempty"`
}

type page struct {
	limit int
	after []byte
}

func pageOf(r *http.Request) (page, error) {
	p := page{limit: defaultLimit}
	if raw := r.URL.Query().Get("limit"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil {
			return p, badRequest("Invalid limit specified: %s", raw)
		}
		p.limit = min(n, maxLimit)
	}
	if raw := r.URL.Query().Get("position"); raw != "" {
		after, err := base64.RawURLEncoding.DecodeString(raw)
		if err != nil || len(after) == 0 {
			return p, badRequest("Invalid position parameter specified")
		}
		p.after = after
	}
	return p, nil
}

func positionAfter(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

// collect returns a page of the entries with the prefix that one keeps. A limit below 1
// gives an empty page, as on AWS.
func collect[T any](p page, b store.Bucket, prefix []byte, one func(k, v []byte) (item T, keep bool, err error)) (*list[T], error) {
	out := &list[T]{Item: []T{}}
	if p.limit < 1 {
		return out, nil
	}
	start := prefix
	if next := append(bytes.Clone(p.after), 0); p.after != nil && bytes.Compare(next, start) > 0 {
		start = next
	}
	var last []byte
	c := b.Cursor()
	for k, v := c.Seek(start); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		item, keep, err := one(k, v)
		if err != nil {
			return nil, err
		}
		if !keep {
			continue
		}
		if len(out.Item) == p.limit {
			out.Position = positionAfter(string(last))
			return out, nil
		}
		out.Item, last = append(out.Item, item), bytes.Clone(k)
	}
	return out, nil
}

func decoded[T any](finish func(*T)) func(k, v []byte) (T, bool, error) {
	return func(k, v []byte) (item T, keep bool, err error) {
		if err := json.Unmarshal(v, &item); err != nil {
			return item, false, fmt.Errorf("decoding %s: %w", k, err)
		}
		finish(&item)
		return item, true, nil
	}
}
