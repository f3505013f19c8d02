package catalog

import "fmt"

// Refusal returns why nobody can subscribe to the plan on the portal, for people, or "".
func (p Plan) Refusal() string {
	switch {
	case p.Listing != nil && p.Listing.URL != "":
		return fmt.Sprintf("You can buy %s on AWS Marketplace only, not on this portal. It is sold at %s", p.Name, p.Listing.URL)
	case p.Marketplace:
		return fmt.Sprintf("You can buy %s on AWS Marketplace only, not on this portal.", p.Name)
	}
	return ""
}

// RefusalToLeave returns why nobody can change from the plan on the portal, for people, or "".
func (p Plan) RefusalToLeave() string {
	if p.Marketplace {
		return fmt.Sprintf("You pay for %s on AWS Marketplace. Change or cancel it there, and this portal follows.", p.Name)
	}
	return ""
}
