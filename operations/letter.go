package operations

import (
	"context"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// letters has the requests that workers gave up.
type letters interface {
	Lookup(ctx context.Context, id string) (letter deadletters.Letter, found bool, err error)
}

// withLetter adds the state of the request's dead letter. An operation that no fact says anything
// about has failed if there is such a letter that no worker has handled since: workers cannot
// record a failure in a stream that they cannot read. If the letter cannot be read, withLetter
// logs the error and returns the operation as it is.
func (o *Operations) withLetter(ctx context.Context, operation Operation) Operation {
	if o.letters == nil || !o.mayHaveLetter(operation) {
		return operation
	}
	letter, found, err := o.letters.Lookup(ctx, string(operation.ID))
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("operation", string(operation.ID)).Msg("the dead letter of an operation cannot be read")
		return operation
	}
	if !found {
		return operation
	}
	operation.Letter = letter.State()
	if operation.Status == projections.Accepted && operation.Letter != deadletters.Settled {
		operation.Progress = projections.Progress{
			Status: projections.Failed, Code: "failed", Message: projections.FailedText, UpdatedAt: letter.Last.UTC(),
		}
	}
	return operation
}

// mayHaveLetter keeps operations that just began from costing another read.
func (o *Operations) mayHaveLetter(operation Operation) bool {
	switch operation.Status {
	case projections.Failed:
		return true
	case projections.Accepted:
		return o.now().Sub(operation.CreatedAt) >= still
	}
	return false
}
