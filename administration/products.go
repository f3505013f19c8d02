package administration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Products is the catalog as admins see it: what is published, and what workers found when they last
// read it.
type Products struct {
	// Report is nil if no worker has read the catalog yet.
	Report *catalog.Report
	Items  []Product
	// Others are problems that concern no published product.
	Others []catalog.Problem
}

// Product is a published product.
type Product struct {
	catalog.Product
	// File describes the product; it is a path in the catalog folder. "" if no file does, or if no report
	// of this version is there yet, which Unknown tells.
	File    string
	Unknown bool
	// Stale: the files have errors now, so the product stays as they said before.
	Stale bool
	// Problems are those of its files and of its APIs.
	Problems []catalog.Problem
}

// ProductsOf joins the published document with the last report, nil if there is none.
func ProductsOf(document catalog.Document, report *catalog.Report) Products {
	list := Products{Report: report, Items: make([]Product, len(document.Products))}
	by := map[string]catalog.DescribedBy{}
	if report != nil {
		for _, described := range report.Described {
			by[described.Product] = described
		}
	}
	for i, product := range document.Products {
		described := by[product.ID]
		list.Items[i] = Product{Product: product, File: described.File, Stale: described.Stale, Unknown: described.File == "" && !tellsFiles(report)}
	}
	if report == nil {
		return list
	}
	for _, problem := range report.Problems {
		concerned := false
		for i := range list.Items {
			if list.Items[i].concerns(problem) {
				list.Items[i].Problems, concerned = append(list.Items[i].Problems, problem), true
			}
		}
		if !concerned {
			list.Others = append(list.Others, problem)
		}
	}
	return list
}

// tellsFiles: a failed reading, and one by an older version, tell nothing of files. One without a folder
// does.
func tellsFiles(report *catalog.Report) bool {
	return report != nil && !report.Failed && (report.Folder != "" || len(report.Sources) < 2)
}

func (p Product) concerns(problem catalog.Problem) bool {
	if folder, _, ok := strings.Cut(p.File, "/"); ok && strings.HasPrefix(problem.Where, folder+"/") {
		return true
	}
	return slices.ContainsFunc(p.APIs, func(api catalog.API) bool {
		return api.ID != "" && problem.Where == catalog.WhereStage(portal.Stage{API: api.ID, Stage: api.Stage})
	})
}

// WhereToChange says in which place an admin changes the product's visibility and plans.
func (p Product) WhereToChange(report *catalog.Report) string {
	switch {
	case p.Unknown:
		return "Which file describes it is known once a worker has read the catalog."
	case p.File != "":
		return fmt.Sprintf("Its name, visibility, plans and their approval are set in %s of the catalog folder %s.", p.File, report.Folder)
	}
	return fmt.Sprintf("No file describes it. It is made of usage plans with the tag %s=%s, or of any plans if GATEHOUSE_OFFER is all. "+
		"To stop offering a plan, remove the tag. To set visibility or approval, describe the product in a folder of the catalog folder.", catalog.OfferTag, catalog.OfferValue)
}

// VisibleTo says in words who sees the product.
func (p Product) VisibleTo() string {
	switch p.Visibility {
	case catalog.VisibleSignedIn:
		return "People who are signed in"
	case catalog.VisibleGroups:
		return "Members of " + strings.Join(p.Groups, ", ") + ", and admins"
	case catalog.VisibleHidden:
		return "Admins only"
	}
	return "Everybody"
}

// Groups are all groups that the products name, sorted.
func (l Products) Groups() (groups []string) {
	for _, product := range l.Items {
		if product.Visibility == catalog.VisibleGroups {
			groups = append(groups, product.Groups...)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}
