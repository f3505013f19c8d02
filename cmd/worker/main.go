// Command worker is the process that decides, converges and shows. Run as many as the
// load wants; they share the control plane's budget. Configuration comes from the
// environment: see docs/configuration.md.
package main

import (
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
)

func main() {
	os.Exit(app.Main("worker", "A worker: carries requests out and makes API Gateway follow.", app.RunWorker))
}
