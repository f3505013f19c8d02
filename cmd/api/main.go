// Command api is the portal's web process: pages and JSON. It hands requests in and
// shows what became of them; workers (cmd/worker) do the work. Configuration comes from
// the environment: see docs/configuration.md.
package main

import (
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
)

func main() {
	os.Exit(app.Main("api", "The portal: serves pages and JSON, and hands requests to the workers.", app.RunPortal, app.SignIn))
}
