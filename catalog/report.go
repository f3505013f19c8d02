package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Report is what the last run found, for operators.
type Report struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Failed means that API Gateway could not be read. Only Sources and Problems are set, and the
	// published catalog stays.
	Failed  bool          `json:"failed"`
	Hash    string        `json:"hash,omitempty"`
	Sources []SourceState `json:"sources"`

	Products    int `json:"products"`
	Plans       int `json:"plans"`
	APIs        int `json:"apis"`
	Definitions int `json:"definitions"`

	// Problems are at most maxProblems; ProblemCount counts all.
	Problems        []Problem    `json:"problems"`
	ProblemCount    int          `json:"all_problems"`
	NotOffered      []NotOffered `json:"not_offered"`
	NotOfferedCount int          `json:"all_not_offered"`
	// Folder is where the catalog folder is, "" if there is none. Described are the products of it.
	// Reports of older versions lack both.
	Folder    string        `json:"folder,omitempty"`
	Described []DescribedBy `json:"described,omitempty"`
}

// DescribedBy says which file describes a product.
type DescribedBy struct {
	Product string `json:"product"`
	// File is its path in the catalog folder, such as "seamark/product.yaml".
	File string `json:"file"`
	// Stale: its files have errors now, so the product stays as they said before.
	Stale bool `json:"stale,omitempty"`
}

// SourceState says how a source was read.
type SourceState struct {
	Name  string `json:"name"`
	State string `json:"state"`
	// Read is when the present data of the source was read; zero if it never was.
	Read time.Time `json:"read,omitzero"`
}

// Values of SourceState.State.
const (
	SourceRead = "read"
	// SourceRemembered sources could not be read; the catalog shows earlier data.
	SourceRemembered = "remembered"
	SourceUnreadable = "unreadable"
)

const maxProblems = 500

// Errors counts the problems that are not warnings.
func (r Report) Errors() int {
	n := r.ProblemCount - len(r.Problems)
	for _, problem := range r.Problems {
		if !problem.Warning {
			n++
		}
	}
	return n
}

func (r *Reader) report(p progress) Report {
	report := Report{
		Began: p.Began.UTC(), Ended: r.Now().UTC(), Failed: p.Result.Failed, Hash: p.Result.Hash, Products: p.Result.Products,
		Problems: p.Problems, ProblemCount: len(p.Problems), NotOffered: []NotOffered{}, Folder: r.FolderName,
	}
	plane := SourceState{Name: "API Gateway", State: SourceRead, Read: p.Began.UTC()}
	if p.Result.Failed {
		plane = SourceState{Name: "API Gateway", State: SourceUnreadable}
	}
	report.Sources = []SourceState{plane}
	if r.Folder != nil && !p.Result.Failed {
		folder := SourceState{Name: "catalog folder", State: SourceRead, Read: p.Began.UTC()}
		switch {
		case p.Folder == "":
			folder = SourceState{Name: "catalog folder", State: SourceUnreadable}
		case !p.FolderSince.IsZero():
			folder.State, folder.Read = SourceRemembered, p.FolderSince.UTC()
		}
		report.Sources = append(report.Sources, folder)
	}
	return report
}

func (r *Report) describe(found assembly, doc Document) {
	for _, product := range doc.Products {
		r.Plans, r.APIs = r.Plans+len(product.Plans), r.APIs+len(product.APIs)
		for _, api := range product.APIs {
			if api.Definition != "" {
				r.Definitions++
			}
		}
	}
	r.Problems = append(r.Problems, found.Problems...)
	r.ProblemCount, r.NotOfferedCount = len(r.Problems), len(found.NotOffered)
	r.NotOffered = append(r.NotOffered, found.NotOffered...)
	r.Described = found.Described
}

func (r *Reader) keepReport(ctx context.Context, report Report) error {
	report.Problems = append([]Problem{}, report.Problems[:min(len(report.Problems), maxProblems)]...)
	report.NotOffered = report.NotOffered[:min(len(report.NotOffered), maxProblems)]
	return r.Scratch.Put(ctx, schema.CatalogReport(), lastName, report, kept)
}

type reports interface {
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
}

// LastReport returns what the last run found; ok is false without one.
func LastReport(ctx context.Context, from reports) (report Report, ok bool, err error) {
	ok, err = from.Get(ctx, schema.CatalogReport(), lastName, &report)
	return report, ok, err
}

func (g generated) problem(stage portal.Stage) Problem {
	text := g.Problem
	if g.Hash != "" {
		text += " The one that was read before stands."
	}
	return Problem{Where: WhereStage(stage), Text: text}
}

// WhereStage is the Where of problems of a stage.
func WhereStage(stage portal.Stage) string {
	return fmt.Sprintf("API %s, stage %s", stage.API, stage.Stage)
}
