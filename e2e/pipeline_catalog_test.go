// The catalog in the runs of pipeline_test.go: product folders, tags and names that change while
// workers read them.

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/catalog/folder"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// offering is what operators have put into the catalog folder, and done to API Gateway.
type offering struct {
	files fstest.MapFS
	// versions are what each product folder has said without errors, newest last. The newest does
	// not count while the folder is broken or gone.
	versions     map[string][]described
	broken       map[string]bool
	tagged       map[portal.PlanID]bool
	apiName      string
	changes      int
	requests     *catalog.Requests
	runner       *jobs.Runner
	plansChanged int
}

// described is a product as its folder describes it.
type described struct {
	Name, Visibility, Overview string
	// Plans are offered unless they are Withheld.
	Plans    []portal.PlanID
	Withheld bool
}

// plansOf are the plans that each product folder may name.
var plansOf = map[string][]portal.PlanID{"lights": {"next"}, "tides": {"free", "plus"}}

func (d described) yaml() string {
	text := fmt.Sprintf("name: %s\nvisibility: %s\nplans:\n", d.Name, d.Visibility)
	for _, plan := range d.Plans {
		text += fmt.Sprintf("  - id: %s\n    offer: %t\n", plan, !d.Withheld)
	}
	return text
}

func newOffering(w *world) *offering {
	o := &offering{
		files: fstest.MapFS{}, versions: map[string][]described{}, broken: map[string]bool{}, tagged: map[portal.PlanID]bool{}, apiName: "A",
		requests: catalog.NewRequests(w.tables, w.names.Records),
	}
	reader := &catalog.Reader{
		Source:  func(context.Context) catalog.Source { return faultySource{w} },
		Scratch: jobs.NewScratch(w.tables, w.names.Records, w.now), Requests: o.requests, Documents: catalog.NewStore(w.tables, w.names.Records),
		Endpoint: catalog.AWSEndpoint("eu-west-1"),
		Folder: func(ctx context.Context) (found catalog.Folder, err error) {
			err = w.faultPoint(ctx, func() (err error) {
				found, err = folder.Read(maps.Clone(o.files))
				return err
			})
			return found, err
		},
		Published: func(ctx context.Context) (string, error) {
			history, err := w.journal.Read(ctx, portal.CatalogStream, 0)
			return state.FoldCatalog(history).Hash, err
		},
		Decide: func(ctx context.Context, request events.Event, read catalog.Result) error {
			return w.execute.PublishCatalog(ctx, request, handlers.CatalogRead{Source: "api-gateway", Failed: read.Failed, Hash: read.Hash, Products: read.Products})
		},
		PlansChanged: func(ctx context.Context, _ string) error {
			return w.faultPoint(ctx, func() error { o.plansChanged++; return nil })
		},
		Now: w.now,
	}
	o.runner = jobs.NewRunner(jobs.NewRuns(w.tables, w.names.Records), fakeSender{w}, w.now, jobs.Job{Name: catalogJob, Every: 5 * time.Minute, Run: reader.Step})
	return o
}

const catalogJob = "catalog"

// joining is handlers.CatalogJob.
type joining struct{ w *world }

func (j joining) Join(ctx context.Context, request events.Event) error {
	err := j.w.faultPoint(ctx, func() error { return j.w.offering.requests.Add(ctx, request) })
	if err != nil {
		return err
	}
	return fakeSender(j).Send(ctx, jobs.Demand(catalogJob, portal.DeriveID("catalog", request.ID), request.Correlation, j.w.now()))
}

// changeCatalog is something that an operator does to the folder or to API Gateway.
func (w *world) changeCatalog() {
	o := w.offering
	o.changes++
	product := rapid.SampledFrom(slices.Sorted(maps.Keys(plansOf))).Draw(w.T, "product")
	plan := rapid.SampledFrom(plans).Draw(w.T, "plan").Plan
	switch rapid.SampledFrom([]string{"write", "write", "write", "break", "remove", "tag", "tag", "untag", "rename"}).Draw(w.T, "catalog") {
	case "write":
		o.write(product, described{
			Name: "Product " + strconv.Itoa(o.changes), Overview: "# Overview " + strconv.Itoa(o.changes),
			Visibility: rapid.SampledFrom([]string{"public", "signed-in", "hidden"}).Draw(w.T, "visibility"),
			Plans:      plansOf[product][rapid.IntRange(0, len(plansOf[product])-1).Draw(w.T, "from"):],
			Withheld:   rapid.Bool().Draw(w.T, "withheld"),
		})
	case "break":
		o.files[product+"/product.yaml"] = file(rapid.SampledFrom([]string{"name: [", "nam: Typo\n", "\tname: Tab\n", ""}).Draw(w.T, "fault"))
		o.broken[product] = true
	case "remove":
		delete(o.files, product+"/product.yaml")
		delete(o.files, product+"/overview.md")
		delete(o.broken, product)
	case "tag":
		o.tagged[plan] = true
	case "untag":
		delete(o.tagged, plan)
	case "rename":
		o.apiName = "A " + strconv.Itoa(o.changes)
	}
	delete(o.files, catalog.EmptyMark)
	if len(o.files) == 0 {
		o.files[catalog.EmptyMark] = file("")
	}
}

func (o *offering) write(product string, d described) {
	o.files[product+"/product.yaml"], o.files[product+"/overview.md"] = file(d.yaml()), file(d.Overview)
	o.versions[product] = append(o.versions[product], d)
	delete(o.broken, product)
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// askForCatalog sends the tick of the job, or a request to read the catalog now.
func (w *world) askForCatalog() {
	msg := app.CatalogSync(w.now())
	if rapid.Bool().Draw(w.T, "tick") {
		msg.Subject, msg.Data = jobs.Stream(catalogJob), events.JobRequested{Job: catalogJob}
	}
	w.queue = append(w.queue, msg)
}

// settleCatalog has the next ticks take over a run whose worker has died, and then asks for a run.
func (w *world) settleCatalog() {
	tick := app.CatalogSync(w.now())
	w.clock = w.clock.Add(5 * time.Minute)
	tick.ID, tick.Time, tick.Subject, tick.Data = tick.ID+"-tick", w.now(), jobs.Stream(catalogJob), events.JobRequested{Job: catalogJob}
	w.queue = append(w.queue, tick)
	w.drain()
	w.queue = append(w.queue, app.CatalogSync(w.now()))
	w.drain()
	w.clock = w.clock.Add(time.Minute)
}

// checkCatalog checks that the published catalog is what the folder and API Gateway say, and that
// reading it changed no account.
func (w *world) checkCatalog() {
	before := w.factsOfPeople()
	w.settleCatalog()
	if len(w.offering.broken) > 0 {
		w.checkLastGoodProductsStay()
		for product := range w.offering.broken {
			w.offering.write(product, described{Name: "Repaired", Overview: "# Repaired at last", Visibility: "public", Plans: plansOf[product]})
		}
		w.settleCatalog()
	}
	if diff := cmp.Diff(w.offering.expected(w.plane.gone), w.publishedProducts()); diff != "" {
		report, _, _ := catalog.LastReport(context.Background(), jobs.NewScratch(w.tables, w.names.Records, w.now))
		w.Errorf("the published catalog (-want +got):\n%s\nthe last report: %+v", diff, report)
	}
	if after := w.factsOfPeople(); after != before {
		w.Errorf("the accounts had %d facts and have %d after the catalog was read", before, after)
	}
}

func (w *world) factsOfPeople() (n int) {
	for _, account := range people {
		facts, err := w.journal.Read(context.Background(), portal.AccountStream(account), 0)
		if err != nil {
			w.Fatal(err)
		}
		n += len(facts)
	}
	return n
}

// others is the name under which expected has the plans that no folder names.
const others = "others of "

// expected are the products that must be published, by id; plans without a folder are by the API's
// name.
func (o *offering) expected(gone map[portal.PlanID]bool) map[string]described {
	all, named := map[string]described{}, map[portal.PlanID]bool{}
	for product, versions := range o.versions {
		if o.files[product+"/product.yaml"] == nil {
			continue
		}
		is := versions[len(versions)-1]
		for _, plan := range is.Plans {
			named[plan] = true
		}
		is.Plans = slices.DeleteFunc(slices.Clone(is.Plans), func(plan portal.PlanID) bool { return gone[plan] })
		if len(is.Plans) == 0 { // a product of nothing is left out
			continue
		}
		if is.Withheld {
			is.Plans = nil
		}
		all[product] = is.published()
	}
	for _, plan := range plans {
		if o.tagged[plan.Plan] && !named[plan.Plan] && !gone[plan.Plan] {
			group := all[others+plan.Stages[0].String()]
			group.Name, group.Visibility = o.apiName, "public"
			group.Plans = append(group.Plans, plan.Plan)
			all[others+plan.Stages[0].String()] = group
		}
	}
	return all
}

// published is what the catalog can show of it.
func (d described) published() described {
	d.Withheld = false
	if d.Overview != "" {
		d.Overview = catalog.HashOf([]byte(d.Overview))
	}
	return d
}

// publishedProducts are the products that portals show, as expected has them.
func (w *world) publishedProducts() map[string]described {
	shown, err := w.views.Catalog(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	all := map[string]described{}
	for _, product := range shown.Products {
		is := described{Name: product.Name, Visibility: product.Visibility, Overview: product.Overview}
		if is.Visibility == "" {
			is.Visibility = "public"
		}
		for _, plan := range product.Plans {
			is.Plans = append(is.Plans, plan.ID)
		}
		slices.Sort(is.Plans)
		id := product.ID
		if plansOf[id] == nil {
			// Two products of one API have its stages in their names.
			is.Name, _, _ = strings.Cut(is.Name, " (")
			id = others + product.Plans[0].Stages[0].String()
		}
		all[id] = is
	}
	return all
}

// checkLastGoodProductsStay checks that a broken folder shows what it said once, or nothing if no
// run has read it unbroken.
func (w *world) checkLastGoodProductsStay() {
	shown := w.publishedProducts()
	for product := range w.offering.broken {
		is, ok := shown[product]
		if ok && !slices.ContainsFunc(w.offering.versions[product], func(was described) bool {
			return was.Name == is.Name && was.Visibility == is.Visibility && was.published().Overview == is.Overview
		}) {
			w.Errorf("%s is broken and shown as %+v, which it never was", product, is)
		}
	}
}

// faultySource is API Gateway as the catalog's job reads it. Its lists have pages of two.
type faultySource struct{ w *world }

func (s faultySource) read(ctx context.Context, step func()) error {
	if s.w.oneIn(10, "unanswered") {
		return unanswered()
	}
	return s.w.faultPoint(ctx, func() error { step(); return nil })
}

func (s faultySource) UsagePlansPage(ctx context.Context, position string) (list []gateway.UsagePlan, next string, err error) {
	err = s.read(ctx, func() {
		var all []gateway.UsagePlan
		for _, plan := range plans {
			if s.w.plane.gone[plan.Plan] {
				continue
			}
			one := gateway.UsagePlan{ID: plan.Plan, Name: plan.Name, Stages: plan.Stages}
			if s.w.offering.tagged[plan.Plan] {
				one.Tags = map[string]string{catalog.OfferTag: catalog.OfferValue}
			}
			all = append(all, one)
		}
		from, _ := strconv.Atoi(position)
		from = min(from, len(all))
		to := min(from+2, len(all))
		if list = all[from:to]; to < len(all) {
			next = strconv.Itoa(to)
		}
	})
	return list, next, err
}

func (s faultySource) RestAPIsPage(ctx context.Context, _ string) (list []gateway.RestAPI, next string, err error) {
	err = s.read(ctx, func() { list = []gateway.RestAPI{{ID: "a", Name: s.w.offering.apiName}} })
	return list, "", err
}

func (s faultySource) Stages(ctx context.Context, _ string) (list []gateway.Stage, err error) {
	err = s.read(ctx, func() { list = []gateway.Stage{{Name: "v1", Version: "1"}, {Name: "v2", Version: "1"}} })
	return list, err
}

func (s faultySource) DomainsPage(ctx context.Context, _ string) ([]gateway.Domain, string, error) {
	return nil, "", s.read(ctx, func() {})
}

func (s faultySource) MappingsPage(ctx context.Context, _ gateway.Domain, _ string) ([]gateway.Mapping, string, error) {
	return nil, "", s.read(ctx, func() {})
}

func (s faultySource) Export(context.Context, portal.Stage) ([]byte, error) {
	return nil, unanswered() // Normalize is nil, so nothing is exported
}

func (s faultySource) SDKTypes(context.Context) (map[string][]string, error) { return nil, nil }

func (s faultySource) SDK(context.Context, portal.Stage, string, map[string]string) (gateway.SDK, error) {
	return gateway.SDK{}, unanswered()
}
