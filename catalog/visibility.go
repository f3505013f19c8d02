package catalog

import (
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Viewer is the person who looks at the catalog. The zero value is not signed in.
type Viewer struct {
	SignedIn bool
	Groups   []string
	Admin    bool
}

// Sees reports whether the product exists for the viewer. Only this method decides that: any
// list, page, search, download and request must treat a product that the viewer does not see
// as if it did not exist.
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

// For returns the document as the viewer sees it. Moved, Successor and VersionOf name no product
// that the viewer does not see.
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
	seen.nameVersions(ids)
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

// nameVersions replaces a VersionOf that is not among the ids by the id of the first of its
// versions, or removes it from a lone one.
func (d Document) nameVersions(ids map[string]bool) {
	first, several := map[string]string{}, map[string]bool{}
	for _, product := range d.Products {
		if _, more := first[product.VersionOf]; more {
			several[product.VersionOf] = true
			continue
		}
		first[product.VersionOf] = product.ID
	}
	for i, product := range d.Products {
		switch of := product.VersionOf; {
		case of == "" || ids[of]:
		case several[of]:
			d.Products[i].VersionOf = first[of]
		default:
			d.Products[i].VersionOf = ""
		}
	}
}

// widens reports whether a viewer sees the product who did not see the one before.
func (p Product) widens(before Product) bool {
	switch before.Visibility {
	case VisiblePublic, "":
		return false
	case VisibleSignedIn:
		return p.Visibility == VisiblePublic || p.Visibility == ""
	}
	switch p.Visibility {
	case VisiblePublic, "", VisibleSignedIn:
		return true
	case VisibleGroups:
		return before.Visibility != VisibleGroups ||
			slices.ContainsFunc(p.Groups, func(group string) bool { return !slices.Contains(before.Groups, group) })
	}
	return false
}
