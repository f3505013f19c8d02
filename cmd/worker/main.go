// Command worker decides, converges and shows. Run as many as the load needs; they share the
// control plane's budget. See docs/configuration.md for its environment variables.
package main

import (
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
)

func main() {
	os.Exit(app.Main("worker", "A worker: carries requests out and makes API Gateway follow.", app.RunWorker))
}
