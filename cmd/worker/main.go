// Command worker decides, converges, tells and shows, and runs the jobs. Run as many as the load needs; they share
// the control plane's budget. docs/configuration.md describes its environment variables.
package main

import (
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
)

func main() {
	os.Exit(app.Main("worker", "A worker: decides on requests, and makes API Gateway match the decisions.", app.RunWorker))
}
