package awsclient

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// PlainBodies belongs into the APIOptions of every aws.Config. The SDK closes the
// body of a request as soon as the response has begun, while net/http may still be
// making sure that the body has ended. Since the body offers WriteTo, net/http is told
// of that end by an error, and closes the connection under the response; the SDK then
// makes the request again. On a machine with busy cores that happens to one request in
// a few hundred. A receive that is made again leaves what it had leased to nobody
// until the lease runs out. A body that can only be read ends as it should.
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
