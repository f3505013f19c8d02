package serverless

import "context"

// Flushing returns invoke with a flush after each invocation, since AWS Lambda freezes the process until the
// next one. flush must return soon.
func Flushing[In, Out any](invoke func(context.Context, In) (Out, error), flush func(context.Context)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		defer flush(ctx)
		return invoke(ctx, in)
	}
}
