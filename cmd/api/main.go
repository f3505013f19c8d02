// Command api is the portal's web process: pages and JSON. docs/configuration.md describes its
// environment variables.
package main

import (
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
)

func main() {
	os.Exit(app.Main("api", "The portal: serves pages and JSON, and sends requests to the workers.", app.RunPortal, app.SignIn))
}
