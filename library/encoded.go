package library

import (
	"bytes"
	"context"

	"github.com/klauspost/compress/gzip"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// Encoded is a response's body, plain and compressed. Do not change either.
type Encoded struct {
	Body []byte
	Gzip []byte
	Hash string
}

// Encoded returns what encode makes, from memory if possible. The key must change with
// everything that the body is made from: include Shelf.Hash or a blob's hash.
func (s *Shelf) Encoded(ctx context.Context, key string, encode func(context.Context) ([]byte, error)) (Encoded, error) {
	return remember(ctx, s.library.memory, "encoded "+key, func(ctx context.Context) (Encoded, int, error) {
		body, err := encode(ctx)
		if err != nil {
			return Encoded{}, 0, err
		}
		var compressed bytes.Buffer
		zip := gzip.NewWriter(&compressed)
		if _, err := zip.Write(body); err != nil {
			return Encoded{}, 0, err
		}
		if err := zip.Close(); err != nil {
			return Encoded{}, 0, err
		}
		return Encoded{Body: body, Gzip: compressed.Bytes(), Hash: catalog.HashOf(body)}, len(body) + compressed.Len(), nil
	})
}

// Keep returns what make makes, from memory if possible. The key is as for Encoded; size is the
// value's approximate size in bytes. All values together take at most a quarter of Config.Memory;
// the least recently used makes room.
func Keep[T any](ctx context.Context, s *Shelf, key string, make func(context.Context) (value T, size int, err error)) (T, error) {
	return remember(ctx, s.library.kept, key, make)
}
