package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// zooFolder describes a product with a page.
func zooFolder(name string) Folder {
	page := []byte("# Feeding times of " + name)
	return Folder{
		Products: []Described{{
			Path: "zoo", Product: Product{ID: "zoo", Name: name, Visibility: VisibleSignedIn, Overview: HashOf(page)},
			Plans: []DescribedPlan{{ID: "free"}},
		}},
		Blobs: map[string][]byte{HashOf(page): page},
	}
}

// reads makes the reading read a folder.
func (r *reading) reads(folder Folder, err error) {
	r.Reader.Folder = func(context.Context) (Folder, error) { return folder, err }
}

func (r *reading) lastReport() Report {
	r.t.Helper()
	report, ok, err := LastReport(r.t.Context(), r.Scratch.(reports))
	if err != nil || !ok {
		r.t.Fatalf("the report: %t, %v", ok, err)
	}
	return report
}

func (r *reading) nameOf(product string) string {
	r.t.Helper()
	found, _ := r.document().Product(product)
	return found.Name
}

func TestAFolderIsMergedAndItsPagesAreStored(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	r.reads(zooFolder("Zoo"), nil)
	r.FolderName = "./catalog"
	r.run(-1)
	if report := r.lastReport(); report.Folder != "./catalog" || len(report.Described) != 1 || report.Described[0] != (DescribedBy{Product: "zoo", File: "zoo/product.yaml"}) {
		t.Errorf("the report is %+v", report)
	}
	product, ok := r.document().Product("zoo")
	if !ok || product.Visibility != VisibleSignedIn || len(product.Plans) != 1 || len(product.APIs) != 1 {
		t.Fatalf("the product is %+v", product)
	}
	page, err := r.Documents.LoadBlob(t.Context(), product.Overview)
	if err != nil || string(page) != "# Feeding times of Zoo" {
		t.Errorf("the page is %q, %v", page, err)
	}
	report := r.lastReport()
	if report.Products != 4 || report.Plans != 7 || len(report.Problems) != 0 || len(report.NotOffered) != 2 || report.Hash != r.published {
		t.Errorf("the report is %+v", report)
	}
}

// counting counts the blobs that are written.
type counting struct {
	documents
	puts int
}

func (c *counting) PutBlob(ctx context.Context, body []byte) (string, error) {
	c.puts++
	return c.documents.PutBlob(ctx, body)
}

func TestAnUnchangedFolderIsNotStoredAgain(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	store := &counting{documents: r.Documents}
	r.Documents = store
	r.reads(zooFolder("Zoo"), nil)
	r.run(-1)
	if store.puts != 2 {
		t.Errorf("%d blobs, want the page and the description", store.puts)
	}
	r.run(-1)
	changed := zooFolder("Zoo")
	changed.Products[0].Product.Category = "Animals"
	r.reads(changed, nil)
	before := store.puts
	r.run(-1)
	if store.puts-before > 1 {
		t.Errorf("%d blobs after a change of one line, want the description", store.puts-before)
	}
}

func TestAFolderThatCannotBeReadLeavesWhatItSaid(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(context.Context) (Folder, error){
		"an error": func(context.Context) (Folder, error) { return Folder{}, errors.New("there is no bucket named docs") },
		"a panic":  func(context.Context) (Folder, error) { panic("a bug") },
	} {
		r := newReading(t, zoo())
		r.Reader.Folder = fail
		r.run(-1)
		if report := r.lastReport(); report.Failed || len(report.Problems) != 1 || report.Sources[1].State != SourceUnreadable || len(r.document().Products) != 3 {
			t.Errorf("%s at first: %+v", name, report)
		}
		r.reads(zooFolder("Zoo"), nil)
		r.run(-1)
		read := r.now
		r.now = r.now.Add(time.Hour)
		r.Reader.Folder = fail
		r.run(-1)
		if got := r.nameOf("zoo"); got != "Zoo" {
			t.Errorf("%s: the product is %q", name, got)
		}
		report := r.lastReport()
		state := report.Sources[1]
		if state.State != SourceRemembered || state.Read.Sub(read).Abs() > time.Minute {
			t.Errorf("%s: the source is %+v, read %s", name, state, read)
		}
		if len(report.Problems) != 1 || report.Problems[0].Where != "catalog folder" || !strings.Contains(report.Problems[0].Text, "What it said on 22 November 2026, 09:00 UTC stands.") {
			t.Errorf("%s: problems %+v", name, report.Problems)
		}
	}
}

func TestAProductWhoseFilesBreakStaysAsItWas(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	broken := Folder{
		Broken:   []string{"zoo"},
		Problems: []Problem{{Where: "zoo/product.yaml", Line: 3, Text: "A tab is not allowed here."}},
	}
	r.reads(broken, nil)
	r.run(-1)
	if _, ok := r.document().Product("zoo"); ok || len(r.lastReport().Problems) != 1 {
		t.Errorf("before it was ever read: %v, %v", planIDs(r.document()), r.lastReport().Problems)
	}
	r.reads(zooFolder("Zoo"), nil)
	r.run(-1)
	r.reads(broken, nil)
	for range 3 {
		r.now = r.now.Add(5 * time.Minute)
		r.run(-1)
		product, ok := r.document().Product("zoo")
		if !ok || product.Visibility != VisibleSignedIn {
			t.Fatalf("a restricted product became %+v", product)
		}
		if report := r.lastReport(); len(report.Problems) != 2 || report.Errors() != 1 || report.Problems[1].Line != 3 {
			t.Errorf("problems %+v", report.Problems)
		} else if diff := cmp.Diff([]DescribedBy{{Product: "zoo", File: "zoo/product.yaml", Stale: true}}, report.Described); diff != "" {
			t.Error(diff)
		}
	}
	r.reads(Folder{MeantEmpty: true}, nil)
	r.run(-1)
	if product, _ := r.document().Product("zoo"); product.ID == "zoo" {
		t.Error("the product that was removed is still there")
	}
}

func TestAFolderThatLosesAllProductsLeavesThemUntilItSaysThatItIsMeantToBeEmpty(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	r.reads(Folder{Pages: []Page{{Name: "start", Title: "Start", Hash: "h"}}}, nil)
	r.run(-1)
	r.reads(Folder{}, nil) // it never had a product
	r.run(-1)
	if report := r.lastReport(); report.ProblemCount != 0 || report.Sources[1].State != SourceRead || len(r.document().Pages) != 0 {
		t.Errorf("a folder that never had products: %+v", report)
	}
	r.reads(zooFolder("Zoo"), nil)
	r.run(-1)
	published := r.published
	for name, folder := range map[string]Folder{"nothing at all": {}, "a folder of something else": {Broken: []string{"lost+found"}}, "only pages": {Pages: []Page{{Name: "start", Title: "Start", Hash: "h"}}}} {
		for range 2 {
			r.now = r.now.Add(5 * time.Minute)
			r.reads(folder, nil)
			r.run(-1)
			report := r.lastReport()
			if r.published != published || report.Sources[1].State != SourceRemembered || report.Errors() != 1 {
				t.Fatalf("%s: the catalog is %v, the report %+v", name, planIDs(r.document()), report)
			}
			if text := report.Problems[0].Text; !strings.HasPrefix(text, "The catalog folder has no products any more.") || !strings.Contains(text, "put a file named .empty into it. What it said on ") {
				t.Errorf("%s: the problem is %q", name, text)
			}
		}
	}
	r.reads(zooFolder("Zoo 2"), nil) // the volume is back
	r.run(-1)
	if report := r.lastReport(); r.nameOf("zoo") != "Zoo 2" || report.ProblemCount != 0 {
		t.Errorf("after the repair the product is %q, the report %+v", r.nameOf("zoo"), report)
	}
	r.reads(Folder{MeantEmpty: true}, nil)
	r.run(-1)
	if product, _ := r.document().Product("zoo"); product.ID == "zoo" || r.lastReport().ProblemCount != 0 {
		t.Errorf("a folder that is meant to be empty leaves %+v, %+v", product, r.lastReport().Problems)
	}
}

func TestARunWithoutPlansShowsWhatTheFolderHas(t *testing.T) {
	t.Parallel()
	r := newReading(t, &setup{})
	r.reads(Folder{Products: []Described{{
		Path: "docs", Product: Product{ID: "docs", Name: "Docs"}, APIs: []DescribedAPI{{Title: "Harbours", Definition: "h"}},
	}}}, nil)
	r.run(-1)
	if got := r.nameOf("docs"); got != "Docs" {
		t.Errorf("the product is %q", got)
	}
}

func TestAPlanThatIsNoLongerOfferedLeavesTheCatalogAndAsksForASweep(t *testing.T) {
	t.Parallel()
	r := newReading(t, tagged("free", "gold"))
	r.OfferAll = false
	r.run(-1)
	r.plane.plans = tagged("gold").plans
	r.run(-1)
	if _, _, ok := r.document().Plan("free"); ok || len(r.changed) != 1 {
		t.Errorf("the plan is offered: %t; told %v", ok, r.changed)
	}
	report := r.lastReport()
	if !slices.ContainsFunc(report.NotOffered, func(n NotOffered) bool { return n.Plan == portal.PlanID("free") && n.Name == "Free" }) {
		t.Errorf("the report says %+v", report.NotOffered)
	}
}

func TestTheReportOfARunThatFailedSaysWhy(t *testing.T) {
	t.Parallel()
	r := newReading(t, zoo())
	r.run(-1)
	before := r.published
	r.plane.fails["plans"] = outage("500", 3)
	r.run(-1)
	report := r.lastReport()
	if !report.Failed || r.published != before {
		t.Errorf("the report is %+v", report)
	}
	want := []Problem{{Where: "API Gateway", Text: "It does not answer. The workers try again in five minutes. The published catalog stays."}}
	if diff := cmp.Diff(want, report.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
