package awsclient

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// PlainBodies belongs in the APIOptions of every aws.Config. It hides the WriteTo method of
// request bodies. The SDK closes a body once the response begins, perhaps while net/http still
// looks for its end. With WriteTo, net/http then closes the connection, and the SDK repeats the
// request: on busy cores, one in a few hundred. Messages that such a receive has leased reach
// no worker until the lease expires.
func PlainBodies(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("PlainBodies", plainBody), middleware.After)
}

func plainBody(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	if req, ok := in.Request.(*smithyhttp.Request); ok {
		if body, ok := req.GetStream().(io.ReadSeeker); ok {
			plain, err := req.SetStream(struct{ io.ReadSeeker }{body})
			if err != nil {
				return middleware.BuildOutput{}, middleware.Metadata{}, err
			}
			in.Request = plain
		}
	}
	return next.HandleBuild(ctx, in)
}
