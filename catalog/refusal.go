package catalog

import "fmt"

// Refusal returns why nobody can subscribe to the plan on the portal, for people, "" if they can.
func (p Plan) Refusal() string {
	if p.Marketplace {
		return fmt.Sprintf("You can buy %s on AWS Marketplace only, not on this portal.", p.Name)
	}
	return ""
}
