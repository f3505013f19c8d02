package plain

import (
	"context"
	"fmt"
	stdpath "path"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/markdown"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Product writes a product: its details, APIs, plans, pages and the overview.
func (d *Documents) Product(ctx context.Context, shelf *library.Shelf, product catalog.Product) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", inline(product.Name))
	if product.Description != "" {
		b.WriteString(inline(product.Description) + "\n\n")
	}
	d.details(&b, shelf, product)
	d.apis(&b, product)
	plans(&b, product)
	d.pages(&b, product)
	if product.Overview == "" {
		return b.String(), nil
	}
	overview, err := shelf.Overview(ctx, product.ID)
	if err != nil {
		return "", err
	}
	b.WriteString("\n---\n\n" + d.relinked(shelf, overview) + "\n")
	return b.String(), nil
}

func (d *Documents) details(b *strings.Builder, shelf *library.Shelf, product catalog.Product) {
	detail := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "- %s: %s\n", name, value)
		}
	}
	fmt.Fprintf(b, "- Page: %s%s\n", d.BaseURL, path("apis", product.ID))
	detail("Version", inline(product.Version))
	detail("Status", inline(product.Status))
	detail("May be gone after", inline(product.Sunset))
	if next, err := shelf.Product(product.Successor); err == nil && product.Successor != "" {
		detail("Use instead", d.link(next.Name, path("apis", next.ID)+".md"))
	}
	detail("Category", inline(product.Category))
	detail("Tags", inline(strings.Join(product.Tags, ", ")))
	if owner := product.Owner; owner != nil {
		detail("Owner", inline(strings.Join(strings.Fields(owner.Name+" "+owner.Email+" "+owner.URL), " ")))
	}
}

func (d *Documents) apis(b *strings.Builder, product catalog.Product) {
	if len(product.APIs) == 0 {
		return
	}
	b.WriteString("\n## APIs\n\n")
	for _, api := range product.APIs {
		name := api.Name
		if api.Version != "" {
			name += " " + api.Version
		}
		switch {
		case api.Definition != "":
			fmt.Fprintf(b, "- %s", d.link(name, path("apis", product.ID, "docs", api.Slug)+".md"))
		default:
			fmt.Fprintf(b, "- %s", inline(name))
		}
		if api.Description != "" {
			b.WriteString(": " + inline(api.Description))
		}
		switch {
		case api.Endpoint != "":
			b.WriteString(" Base URL: " + code(api.Endpoint))
		case api.Private:
			b.WriteString(" Only callers inside its owner's network can call it.")
		case api.Kind == catalog.Docs:
			b.WriteString(" No plan of this portal covers it.")
		default:
			b.WriteString(" It has no public address.")
		}
		b.WriteString("\n")
	}
}

func plans(b *strings.Builder, product catalog.Product) {
	if len(product.Plans) == 0 {
		return
	}
	b.WriteString("\n## Plans\n\n| Plan | ID | Rate | Burst | Quota | Price | Approval |\n|---|---|---|---|---|---|---|\n")
	for _, plan := range product.Plans {
		rate, burst, quota := "unlimited", "unlimited", "unlimited"
		if plan.Throttle != nil {
			rate, burst = fmt.Sprintf("%g requests a second", plan.Throttle.Rate), fmt.Sprintf("%d requests", plan.Throttle.Burst)
		}
		if plan.Quota != nil {
			quota = fmt.Sprintf("%d requests a %s", plan.Quota.Limit, strings.ToLower(plan.Quota.Period))
		}
		approval := "none needed"
		switch {
		case plan.Marketplace:
			approval = "bought on AWS Marketplace"
			if plan.Listing != nil && plan.Listing.URL != "" {
				approval = "bought on [AWS Marketplace](<" + plan.Listing.URL + ">)"
			}
		case plan.Approval == catalog.ApprovalManual:
			approval = "an admin approves"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", inline(plan.Name), code(string(plan.ID)), rate, burst, quota, inline(plan.Price), approval)
	}
}

func (d *Documents) pages(b *strings.Builder, product catalog.Product) {
	if len(product.Pages) == 0 && product.Changelog == "" {
		return
	}
	b.WriteString("\n## Pages\n\n")
	for _, page := range product.Pages {
		b.WriteString(d.item(page.Title, path("apis", product.ID, "pages", page.Name)+".md", ""))
	}
	if product.Changelog != "" {
		b.WriteString(d.item("Changelog", path("apis", product.ID, "changelog.md"), ""))
	}
}

// relinked returns a page's Markdown with whole addresses. A link to a page leads to its Markdown. A
// link to something off the shelf leads nowhere, and does not name it.
func (d *Documents) relinked(shelf *library.Shelf, page library.Page) string {
	return strings.TrimSpace(markdown.Relink(page.Markdown, func(link string) string {
		address, ok := shelf.Address(page.File, link)
		if !ok {
			return ""
		}
		page, fragment, _ := strings.Cut(address, "#")
		if stdpath.Ext(page) == "" { // files have one
			page += markdownSuffix
		}
		if fragment != "" {
			page += "#" + fragment
		}
		return d.BaseURL + page
	}))
}

// Page writes a page as Markdown, with its title first.
func (d *Documents) Page(shelf *library.Shelf, page library.Page) string {
	text := d.relinked(shelf, page)
	if strings.HasPrefix(text, "# ") {
		return text + "\n"
	}
	return "# " + inline(page.Title) + "\n\n" + text + "\n"
}

var errNoPlans = portal.Fail(portal.NotFound, "The product has no plans.")
