package library

import (
	"context"

	"golang.org/x/sync/semaphore"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	readAtOnce = 4
	// parsedAtOnce is how many bytes of documents are parsed at once. A larger document is parsed
	// alone. Parsing takes up to openapi.ParsingMemory bytes for each byte.
	parsedAtOnce = 16 << 20
)

type parsing struct {
	documents, bytes *semaphore.Weighted
	most             int64
}

func newParsing(documents, bytes int64) *parsing {
	return &parsing{documents: semaphore.NewWeighted(documents), bytes: semaphore.NewWeighted(bytes), most: bytes}
}

func (p *parsing) do(ctx context.Context, read func() ([]byte, error), parse func([]byte) error) error {
	if err := p.documents.Acquire(ctx, 1); err != nil {
		return stillReading(err)
	}
	defer p.documents.Release(1)
	body, err := read()
	if err != nil {
		return err
	}
	weight := min(int64(len(body)), p.most)
	if err := p.bytes.Acquire(ctx, weight); err != nil {
		return stillReading(err)
	}
	defer p.bytes.Release(weight)
	return parse(body)
}

func stillReading(err error) error {
	return &portal.Error{Code: portal.Unavailable, Message: "The portal is still reading this. Try again in a moment.", Err: err}
}
