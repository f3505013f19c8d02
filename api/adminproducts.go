package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/operations"
)

type catalogReports interface {
	// LastReport returns what workers found when they last read the catalog; ok is false if they never
	// have.
	LastReport(ctx context.Context) (report catalog.Report, ok bool, err error)
}

// AdminProducts is the published catalog, and what workers found when they last read it.
type AdminProducts struct {
	ReadAt     *time.Time       `json:"read_at" doc:"When workers last read the catalog, null if they never have."`
	Failed     bool             `json:"failed" doc:"API Gateway could not be read, so the published catalog stays."`
	Folder     string           `json:"folder,omitempty" doc:"Where the catalog folder is."`
	Sources    []CatalogSource  `json:"sources"`
	Items      []AdminProduct   `json:"items"`
	Problems   []CatalogProblem `json:"problems" doc:"Those that concern no published product."`
	NotOffered []NotOfferedPlan `json:"not_offered" doc:"Usage plans that people cannot subscribe to, at most 500."`
}

// CatalogSource says how a source of the catalog was read.
type CatalogSource struct {
	Name   string     `json:"name"`
	State  string     `json:"state" enum:"read,remembered,unreadable" doc:"remembered: it could not be read, and the catalog shows what it said before."`
	ReadAt *time.Time `json:"read_at"`
}

// AdminProduct is a product as admins see it.
type AdminProduct struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Version    string           `json:"version,omitempty"`
	Status     string           `json:"status,omitempty" enum:"beta,new,deprecated"`
	Visibility string           `json:"visibility" enum:"public,signed-in,groups,hidden"`
	Groups     []string         `json:"groups" doc:"The groups whose members see it, if visibility is groups."`
	File       string           `json:"file,omitempty" doc:"The file of the catalog folder that describes it."`
	Stale      bool             `json:"stale,omitempty" doc:"Its files have errors now, so it stays as they said before."`
	Change     string           `json:"where_to_change" doc:"Where its visibility and plans are set."`
	Plans      []AdminPlan      `json:"plans"`
	Problems   []CatalogProblem `json:"problems"`
}

// AdminPlan is an offered plan.
type AdminPlan struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Approval    string `json:"approval" enum:"automatic,manual"`
	Marketplace bool   `json:"marketplace" doc:"It is sold on AWS Marketplace."`
}

// CatalogProblem is a fault of a source. The faulty part was left out, unless it is a warning.
type CatalogProblem struct {
	Where   string `json:"where" doc:"A file of the catalog folder, or a part of API Gateway."`
	Line    int    `json:"line,omitempty"`
	Text    string `json:"text" doc:"What is wrong, and what to change."`
	Warning bool   `json:"warning,omitempty"`
}

// NotOfferedPlan is a usage plan that the catalog leaves out.
type NotOfferedPlan struct {
	Plan   string `json:"plan"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

func (a *service) registerProducts(api huma.API) {
	huma.Register(api, adminReads("admin-list-products", "/products", "List products with their problems", "The published catalog in full, where each product is described, and what workers found when they last read it."), a.adminProducts)
	huma.Register(api, adminRequests("admin-sync-catalog", http.MethodPost, "/catalog-syncs", "Read the catalog now",
		"Workers read API Gateway and the catalog folder, as they do every five minutes. The operation succeeds when the catalog is published, or found unchanged."), a.syncCatalog)
}

func (a *service) adminProducts(ctx context.Context, _ *struct{}) (*struct{ Body AdminProducts }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	report, ok, err := a.admin.Catalog.LastReport(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shelf, err := a.library.For(ctx, catalog.Viewer{SignedIn: true, Admin: true})
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	last := &report
	if !ok {
		last = nil
	}
	return &struct{ Body AdminProducts }{showProducts(administration.ProductsOf(shelf.Document, last))}, nil
}

func showProducts(all administration.Products) AdminProducts {
	shown := AdminProducts{Sources: []CatalogSource{}, Items: []AdminProduct{}, Problems: showProblems(all.Others), NotOffered: []NotOfferedPlan{}}
	if r := all.Report; r != nil {
		shown.ReadAt, shown.Failed, shown.Folder = &r.Ended, r.Failed, r.Folder
		for _, source := range r.Sources {
			shown.Sources = append(shown.Sources, CatalogSource{source.Name, source.State, timeOrNull(source.Read)})
		}
		for _, plan := range r.NotOffered {
			shown.NotOffered = append(shown.NotOffered, NotOfferedPlan{string(plan.Plan), plan.Name, plan.Reason})
		}
	}
	for _, product := range all.Items {
		one := AdminProduct{
			ID: product.ID, Name: product.Name, Version: product.Version, Status: product.Status, Visibility: product.Visibility, Groups: append([]string{}, product.Groups...),
			File: product.File, Stale: product.Stale, Change: product.WhereToChange(all.Report), Plans: []AdminPlan{}, Problems: showProblems(product.Problems),
		}
		if one.Visibility == "" {
			one.Visibility = catalog.VisiblePublic
		}
		for _, plan := range product.Plans {
			approval := plan.Approval
			if approval == "" {
				approval = "automatic"
			}
			one.Plans = append(one.Plans, AdminPlan{string(plan.ID), plan.Name, approval, plan.Marketplace})
		}
		shown.Items = append(shown.Items, one)
	}
	return shown
}

func showProblems(problems []catalog.Problem) []CatalogProblem {
	shown := []CatalogProblem{}
	for _, problem := range problems {
		shown = append(shown, CatalogProblem(problem))
	}
	return shown
}

func (a *service) syncCatalog(ctx context.Context, in *struct{ Asking }) (*acceptedOutput, error) {
	return asAdmin(ctx, in.IdempotencyKey, func(admin operations.Caller) (operations.Operation, error) {
		return a.admin.Operations.SyncCatalog(ctx, admin)
	})
}
