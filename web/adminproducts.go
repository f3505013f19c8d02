package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type catalogReports interface {
	// LastReport returns what workers found when they last read the catalog; ok is false if they never
	// have.
	LastReport(ctx context.Context) (report catalog.Report, ok bool, err error)
}

type syncing interface {
	SyncCatalog(ctx context.Context, admin operations.Caller) (operations.Operation, error)
}

const (
	productsPath    = adminPath + "/products"
	syncPath        = productsPath + "/sync"
	productsPerPage = 25
	// shownNotOffered bounds the list of plans that are not offered.
	shownNotOffered = 100
)

func (s *Web) productRoutes(r chi.Router) {
	get(r, productsPath, s.page(s.administrator(s.products)))
	r.Post(syncPath, s.page(s.administrator(s.syncCatalog)))
	r.Post(viewPath, s.page(s.administrator(s.chooseView)))
}

type productsPage struct {
	Query string
	// Read is how the catalog was read.
	Read    phrase
	Badge   badge
	Sources []phrase
	Total   string
	Lines   []productLine
	Others  []problemLine
	// NotOffered is at most shownNotOffered, of All.
	NotOffered []catalog.NotOffered
	Left       int
	Groups     []string
	First      bool
	// Start and Next are addresses.
	Start, Next string
}

type productLine struct {
	ID, Name, Href string
	Badges         []badge
	Visible        string
	Change         string
	Plans          []planLine
	Problems       []problemLine
	Stale          bool
}

type planLine struct {
	ID, Name, Approval string
}

type problemLine struct {
	Where, Text string
	Badge       badge
}

// products shows the published catalog with its problems.
func (s *Web) products(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	query, page := strings.TrimSpace(r.URL.Query().Get("q")), 1
	if text := r.URL.Query().Get("page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return errNothing
		}
		page = n
	}
	if len(query) > maxFilter || !utf8.ValidString(query) {
		return errNothing
	}
	all, err := s.allProducts(r.Context())
	if err != nil {
		return err
	}
	body := s.times(r.Context()).productsPage(all, query, page)
	s.render(w, r, http.StatusOK, adminView("admin-products", "Products", tabProducts, body))
	return nil
}

func (s *Web) allProducts(ctx context.Context) (administration.Products, error) {
	report, ok, err := s.admin.Catalog.LastReport(ctx)
	if err != nil {
		return administration.Products{}, err
	}
	shelf, err := s.library.For(ctx, catalog.Viewer{SignedIn: true, Admin: true})
	if err != nil {
		return administration.Products{}, err
	}
	if !ok {
		return administration.ProductsOf(shelf.Document, nil), nil
	}
	return administration.ProductsOf(shelf.Document, &report), nil
}

func (when times) productsPage(all administration.Products, query string, page int) productsPage {
	body := productsPage{Query: query, First: page == 1, Groups: all.Groups(), Start: productsQuery(query, 1), Others: problemLines(all.Others)}
	body.Read, body.Badge = when.catalogRead(all.Report)
	if all.Report != nil {
		for _, source := range all.Report.Sources {
			body.Sources = append(body.Sources, when.sourceRead(source, all.Report.Folder))
		}
		body.NotOffered = all.Report.NotOffered[:min(len(all.Report.NotOffered), shownNotOffered)]
		body.Left = all.Report.NotOfferedCount - len(body.NotOffered)
	}
	var found []administration.Product
	for _, product := range all.Items {
		if fitsQuery(product, query) {
			found = append(found, product)
		}
	}
	body.Total = count(len(found), "product")
	from := min((page-1)*productsPerPage, len(found))
	to := min(from+productsPerPage, len(found))
	for _, product := range found[from:to] {
		body.Lines = append(body.Lines, productLineOf(product, all.Report))
	}
	if to < len(found) {
		body.Next = productsQuery(query, page+1)
	}
	return body
}

func productsQuery(query string, page int) string {
	values := url.Values{}
	if query != "" {
		values.Set("q", query)
	}
	if page > 1 {
		values.Set("page", strconv.Itoa(page))
	}
	return withQuery(productsPath, values)
}

func fitsQuery(product administration.Product, query string) bool {
	query = strings.ToLower(query)
	return strings.Contains(strings.ToLower(product.Name), query) || strings.Contains(product.ID, query) || strings.Contains(product.File, query)
}

func (when times) catalogRead(report *catalog.Report) (phrase, badge) {
	switch {
	case report == nil:
		return phrase{plain("No worker has read the catalog yet. Start a worker, or read it now.")}, badge{"quiet", "minus", "Unknown"}
	case report.Failed:
		return phrase{plain("API Gateway could not be read on "), when.at(report.Ended), plain(". The published catalog stays.")}, badge{"bad", "cross", "Failed"}
	}
	words := phrase{plain("Workers last read the catalog on "), when.at(report.Ended), plain(". They do so every five minutes. ")}
	warnings := report.ProblemCount - report.Errors()
	found := &administration.Catalog{Errors: report.Errors(), Warnings: warnings}
	words = append(words, plain(problemsText(found)))
	switch {
	case found.Errors > 0:
		return words, badge{"bad", "cross", count(found.Errors, "problem")}
	case warnings > 0:
		return words, badge{"warn", "warning", count(warnings, "warning")}
	}
	return words, badge{"ok", "check", "Fine"}
}

func (when times) sourceRead(source catalog.SourceState, folder string) phrase {
	name := source.Name
	if folder != "" && name == "catalog folder" {
		name += " " + folder
	}
	switch source.State {
	case catalog.SourceRemembered:
		return phrase{plain("The " + name + " could not be read. The portal shows what it said on "), when.at(source.Read), plain(".")}
	case catalog.SourceUnreadable:
		return phrase{plain(upperFirst(name) + " could not be read.")}
	}
	return phrase{plain(upperFirst(name) + " was read.")}
}

func productLineOf(product administration.Product, report *catalog.Report) productLine {
	line := productLine{
		ID: product.ID, Name: product.FullName(), Href: escapedPath("apis", product.ID), Badges: productBadges(product.Product), Visible: product.VisibleTo(),
		Change: product.WhereToChange(report), Problems: problemLines(product.Problems), Stale: product.Stale,
	}
	for _, plan := range product.Plans {
		shown := planLine{ID: string(plan.ID), Name: cmp.Or(plan.Name, string(plan.ID)), Approval: "Open at once"}
		switch {
		case plan.Marketplace:
			shown.Approval = "Sold on AWS Marketplace"
		case plan.Approval == catalog.ApprovalManual:
			shown.Approval = "An admin approves each subscription"
		}
		line.Plans = append(line.Plans, shown)
	}
	return line
}

func problemLines(problems []catalog.Problem) (lines []problemLine) {
	for _, problem := range problems {
		where := problem.Where
		if problem.Line > 0 {
			where += ", line " + strconv.Itoa(problem.Line)
		}
		line := problemLine{where, problem.Text, badge{"bad", "cross", "Problem"}}
		if problem.Warning {
			line.Badge = badge{"warn", "warning", "Warning"}
		}
		lines = append(lines, line)
	}
	return lines
}

// syncCatalog has workers read the catalog now. The same form again is the same operation.
func (s *Web) syncCatalog(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	operation, err := s.admin.Syncs.SyncCatalog(r.Context(), caller)
	return follow(w, r, operation, err)
}

// nextOfSync is what comes next for an admin's request to read the catalog.
func nextOfSync(status projections.Status) nextStep {
	if status == projections.Failed {
		return nextStep{"The catalog could not be read", "The published catalog stays as it is. The page of products says what is wrong.", []link{{"See the products", productsPath}}}
	}
	return nextStep{Heading: "Next: a worker reads API Gateway and the catalog folder", Text: "That takes from some seconds to a few minutes. You can close this page; the work continues."}
}
