package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func (s *Web) shelf(r *http.Request) (*library.Shelf, error) {
	return s.library.For(r.Context(), library.Viewer(r.Context()))
}

func signedIn(r *http.Request) bool {
	_, ok := identity.From(r.Context())
	return ok
}

// onShelf finds the product in the path. For an old address, moved is the path of the same
// page at its present address.
func (s *Web) onShelf(r *http.Request) (shelf *library.Shelf, product catalog.Product, moved string, err error) {
	name, err := param(r, "product")
	if err != nil {
		return nil, product, "", err
	}
	if shelf, err = s.shelf(r); err != nil {
		return nil, product, "", err
	}
	if product, err = shelf.Product(name); err != nil {
		return nil, product, "", err
	}
	if product.ID != name {
		pattern := chi.RouteContext(r.Context()).RoutePattern()
		_, rest, _ := strings.Cut(pattern, "{product}")
		moved = escapedPath("apis", product.ID)
		for _, segment := range strings.Split(strings.Trim(rest, "/"), "/") {
			if variable, ok := strings.CutPrefix(segment, "{"); ok {
				value, err := param(r, strings.TrimSuffix(variable, "}"))
				if err != nil {
					return nil, product, "", err
				}
				segment = value
			}
			if segment == "*" {
				segment = chi.URLParam(r, "*")
			}
			if segment != "" {
				moved += escapedPath(segment)
			}
		}
	}
	return shelf, product, moved, nil
}

func (s *Web) productPageOf(page func(http.ResponseWriter, *http.Request, *library.Shelf, catalog.Product) error) http.HandlerFunc {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		shelf, product, moved, err := s.onShelf(r)
		if err != nil {
			return err
		}
		if moved != "" {
			http.Redirect(w, r, moved, http.StatusFound)
			return nil
		}
		return page(w, r, shelf, product)
	})
}

type productHead struct {
	Product   catalog.Product
	Badges    []badge
	Image     string
	Tabs      []tab
	Versions  []versionLink
	Sunset    string
	Successor *link
	Action    link
	// Current names the page, "" for the overview.
	Current string
}

type tab struct {
	link
	Current bool
}

type versionLink struct {
	link
	Current bool
	Note    string
}

// The tabs of a product.
const (
	tabOverview  = "Overview"
	tabDocs      = "Docs"
	tabPlans     = "Plans"
	tabChangelog = "Changelog"
)

func (s *Web) head(r *http.Request, shelf *library.Shelf, product catalog.Product, current string) productHead {
	head := productHead{
		Product: product, Badges: productBadges(product), Image: imageOf(product), Sunset: day(product.Sunset),
		Versions: versionLinks(shelf.Products, product),
	}
	if current != tabOverview {
		head.Current = current
	}
	at := func(label string, segments ...any) {
		head.Tabs = append(head.Tabs, tab{link{label, escapedPath(append([]any{"apis", product.ID}, segments...)...)}, label == current})
	}
	at(tabOverview)
	if len(product.Documented()) > 0 {
		at(tabDocs, "docs")
	}
	if len(product.Plans) > 0 {
		at(tabPlans, "plans")
		if current != tabPlans { // which has the next action at each plan
			head.Action = s.nextAction(r, product)
		}
	}
	if product.Changelog != "" {
		at(tabChangelog, "changelog")
	}
	if next, err := shelf.Product(product.Successor); err == nil && product.Successor != "" {
		head.Successor = &link{versionedName(next), escapedPath("apis", next.ID)}
	}
	return head
}

// nextAction leads to a key: the person's own, if they have one for the product.
func (s *Web) nextAction(r *http.Request, product catalog.Product) link {
	if s.holds(r, product) {
		return link{"See your key", "/dashboard#keys"}
	}
	return link{"Get an API key", escapedPath("apis", product.ID, "plans")}
}

// holds reports whether the person has one of the product's plans, false if that cannot be read.
func (s *Web) holds(r *http.Request, product catalog.Product) bool {
	id, ok := identity.From(r.Context())
	if !ok {
		return false
	}
	account, err := s.account(r.Context(), id.Account)
	if err != nil {
		zerolog.Ctx(r.Context()).Warn().Err(err).Msg("a product is shown without what the account holds of it")
		return false
	}
	return slices.ContainsFunc(product.Plans, func(plan catalog.Plan) bool {
		return subscriptionTo(account, plan.ID).State == projections.SubscriptionActive
	})
}

func imageOf(product catalog.Product) string {
	if product.Image == nil {
		return ""
	}
	return escapedPath("api", "v1", "catalog", product.ID, "image")
}

func productBadges(product catalog.Product) []badge {
	var list []badge
	switch product.Status {
	case catalog.StatusBeta:
		list = append(list, badge{"busy", "info", "Beta"})
	case catalog.StatusNew:
		list = append(list, badge{"ok", "star", "New"})
	case catalog.StatusDeprecated:
		list = append(list, badge{"warn", "pause", "Deprecated"})
	}
	switch product.Visibility {
	case catalog.VisibleSignedIn:
		list = append(list, badge{"quiet", "lock", "For members"})
	case catalog.VisibleGroups:
		list = append(list, badge{"quiet", "lock", "For your group"})
	case catalog.VisibleHidden:
		list = append(list, badge{"quiet", "lock", "Hidden"})
	}
	return list
}

// versionLinks lists a product's versions, newest first, if there are several.
func versionLinks(products []catalog.Product, of catalog.Product) []versionLink {
	if of.VersionOf == "" {
		return nil
	}
	var list []catalog.Product
	for _, p := range products {
		if p.VersionOf == of.VersionOf {
			list = append(list, p)
		}
	}
	if len(list) < 2 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b catalog.Product) int { return compareVersions(b.Version, a.Version) })
	var links []versionLink
	for _, p := range list {
		links = append(links, versionLink{
			link{cmp.Or(p.Version, p.Name), escapedPath("apis", p.ID)}, p.ID == of.ID, strings.ToLower(statusLabel(p.Status)),
		})
	}
	return links
}

func compareVersions(a, b string) int {
	as, bs := strings.FieldsFunc(a, isVersionGap), strings.FieldsFunc(b, isVersionGap)
	for i := range min(len(as), len(bs)) {
		x, y := strings.TrimLeft(as[i], "0v"), strings.TrimLeft(bs[i], "0v")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

func isVersionGap(r rune) bool { return r == '.' || r == '-' || r == ' ' }

// versionedName adds the version if the product has several.
func versionedName(product catalog.Product) string {
	if product.VersionOf == "" {
		return product.Name
	}
	return product.FullName()
}

// day formats a date (YYYY-MM-DD), and returns anything else as it is.
func day(date string) string {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	return t.Format("2 January 2006")
}
