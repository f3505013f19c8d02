package catalog

import "fmt"

// Refusal returns why nobody can subscribe to the plan on the portal, as a text for people, and
// "" if they can. product is the plan's.
func (p Plan) Refusal(product Product) string {
	switch {
	case p.Marketplace:
		return fmt.Sprintf("You can buy %s on AWS Marketplace only, not on this portal.", p.Name)
	case p.Approval == ApprovalManual:
		text := fmt.Sprintf("An operator has to approve each subscription to %s, and this portal cannot take such requests yet.", p.Name)
		if product.Owner != nil {
			text += fmt.Sprintf(" Contact the owner of %s: %s.", product.Name, product.Owner.contact())
		}
		return text
	}
	return ""
}

func (o Owner) contact() string {
	switch {
	case o.Email != "":
		return o.Name + ", " + o.Email
	case o.URL != "":
		return o.Name + ", " + o.URL
	}
	return o.Name
}
