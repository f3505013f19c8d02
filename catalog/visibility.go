package catalog

import (
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Viewer is the person who looks at the catalog. The zero value is a person who is not signed
// in.
type Viewer struct {
	SignedIn bool
	Groups   []string
	// Admin is set for admins, who see everything.
	Admin bool
}

// Sees reports whether the product exists for the viewer. Nothing else in Gatehouse decides
// this: what a viewer does not see must be missing from every list, page, search, download and
// request of theirs, exactly as if it did not exist.
func (v Viewer) Sees(p Product) bool {
	switch p.Visibility {
	case VisiblePublic, "":
		return true
	case VisibleSignedIn:
		return v.SignedIn
	case VisibleGroups:
		if slices.ContainsFunc(v.Groups, func(group string) bool { return slices.Contains(p.Groups, group) }) {
			return true
		}
	}
	return v.Admin
}

// For returns the document with only what the viewer sees. Links to other products (Moved,
// Successor) are dropped if the viewer does not see their target.
func (d Document) For(v Viewer) Document {
	seen := Document{Products: []Product{}, Pages: d.Pages, Files: d.Files}
	ids := map[string]bool{}
	for _, product := range d.Products {
		if v.Sees(product) {
			seen.Products, ids[product.ID] = append(seen.Products, product), true
		}
	}
	for i, product := range seen.Products {
		if !ids[product.Successor] {
			seen.Products[i].Successor = ""
		}
	}
	for old, plan := range d.Moved {
		if _, _, offered := seen.Plan(plan); offered {
			if seen.Moved == nil {
				seen.Moved = map[string]portal.PlanID{}
			}
			seen.Moved[old] = plan
		}
	}
	return seen
}
