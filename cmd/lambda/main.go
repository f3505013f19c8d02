// Command lambda is the portal or a worker as a function of AWS Lambda, the file `bootstrap` of its
// zip. The function's handler says which: "api" or "worker". docs/configuration.md describes the
// environment variables.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/serverless"
)

func main() {
	if err := run(os.Getenv("_HANDLER")); err != nil {
		os.Exit(app.Fail("lambda", err))
	}
}

func run(handler string) error {
	app.CollectSeldom()
	switch handler {
	case "api":
		p, err := app.NewTracedProcess(context.Background(), "api", app.SignIn)
		if err != nil {
			return err
		}
		function := serverless.NewAPI(func(ctx context.Context) (http.Handler, error) { return app.NewPortal(ctx, p) })
		lambda.StartHandlerFunc(serverless.Flushing(function.Invoke, p.Traces.Flush))
	case "worker":
		p, err := app.NewTracedProcess(context.Background(), "worker")
		if err != nil {
			return err
		}
		function := serverless.NewWorker(func(ctx context.Context) (serverless.Handler, error) { return app.NewInvokedWorker(ctx, p) })
		lambda.StartHandlerFunc(serverless.Flushing(function.Invoke, p.Traces.Flush))
	default:
		return fmt.Errorf("the function's handler is %q; it must be api or worker", handler)
	}
	return nil
}
