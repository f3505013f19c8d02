package catalog

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"time"
)

type memory[T any] struct {
	Value T         `json:"value"`
	At    time.Time `json:"at"`
}

func (m memory[T]) readBy(p progress) bool { return !m.At.Before(p.Began) }

func (m memory[T]) serves(p progress, name string) bool {
	if m.readBy(p) {
		return true
	}
	return !p.Fresh && p.Began.Sub(m.At) < rememberedAtLeast+spread(name, remembered-rememberedAtLeast)
}

func remember[T any](ctx context.Context, r *Reader, set, name string, value T, keep time.Duration) error {
	return r.Scratch.Put(ctx, set, name, memory[T]{Value: value, At: r.Now()}, keep)
}

func recall[T any](ctx context.Context, r *Reader, set string) (map[string]memory[T], error) {
	all := map[string]memory[T]{}
	err := r.Scratch.Each(ctx, set, "", func(name string, body []byte) error {
		var m memory[T]
		err := json.Unmarshal(body, &m)
		all[name] = m
		return err
	})
	return all, err
}

func spread(name string, of time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return of * time.Duration(h.Sum32()%100) / 100
}
