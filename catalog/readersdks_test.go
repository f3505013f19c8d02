package catalog

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway"
)

// wanting is a reading whose folder wants SDKs.
func wanting(t *testing.T, types ...string) *reading {
	t.Helper()
	r := newReading(t, tagged("both1"))
	r.OfferAll = false
	r.reads(Folder{Products: []Described{{
		Path: "zoo", Product: Product{ID: "zoo", Name: "Zoo"}, Plans: []DescribedPlan{{ID: "free"}},
		APIs: []DescribedAPI{{ID: "pets1", Stage: "prod", SDKs: types}},
	}}}, nil)
	return r
}

// archives maps the types of the SDKs of the product zoo to their contents.
func (r *reading) archives() map[string]string {
	r.t.Helper()
	all := map[string]string{}
	product, _ := r.document().Product("zoo")
	for _, api := range product.APIs {
		for _, sdk := range api.SDKs {
			body, err := r.Documents.LoadBlob(r.t.Context(), sdk.Hash)
			if err != nil {
				r.t.Fatal(err)
			}
			all[sdk.Type+" "+sdk.File] = string(body)
		}
	}
	return all
}

func TestSDKsAreGeneratedOnceForEachDeployment(t *testing.T) {
	t.Parallel()
	r := wanting(t, "javascript", "java")
	r.run(-1)
	if diff := cmp.Diff(map[string]string{
		"java pets-prod-java.zip":             "java of pets1:prod : map[java.package-name:apis.pets serviceName:pets]",
		"javascript pets-prod-javascript.zip": "javascript of pets1:prod : map[]",
	}, r.archives()); diff != "" {
		t.Errorf("archives (-want +got):\n%s", diff)
	}
	for _, product := range r.document().Products {
		if product.ID != "zoo" && len(product.APIs) > 0 && len(product.APIs[len(product.APIs)-1].SDKs) > 0 {
			t.Errorf("%s has SDKs that nobody wants", product.ID)
		}
	}
	r.plane.called()
	r.now = r.now.Add(24 * time.Hour)
	r.run(-1)
	if calls := r.plane.called(); calls["sdktypes"] > 0 {
		t.Errorf("a day later the calls are %v", calls)
	}
	r.plane.versions[petsProd] = "d2"
	r.now = r.now.Add(2 * time.Hour)
	r.run(-1)
	if calls := r.plane.called(); calls["sdk pets1:prod java"] != 1 || calls["sdk pets1:prod javascript"] != 1 || calls["sdktypes"] != 1 {
		t.Errorf("after a deployment the calls are %v", calls)
	}
}

func TestAnSDKThatCannotBeHadIsReportedAndTheOneBeforeStays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails []error
		want  string
	}{
		"AWS cannot generate it": {[]error{&gateway.Refused{Reason: gateway.Invalid, Err: errors.New("400")}}, "API Gateway cannot generate its SDK of the type java."},
		"no answer":              {outage("500", 3), "API Gateway did not answer when asked for its SDK."},
		"no permission":          {[]error{&gateway.Unavailable{Forbidden: true, Err: errors.New("403")}}, "The workers may not have API Gateway generate its SDK."},
	} {
		r := wanting(t, "java")
		r.run(-1)
		before := r.archives()
		r.plane.versions[petsProd], r.plane.fails["sdk "] = "d2", c.fails
		r.now = r.now.Add(2 * time.Hour)
		r.run(-1)
		if diff := cmp.Diff(before, r.archives()); diff != "" || len(before) != 1 {
			t.Errorf("%s: archives (-want +got):\n%s", name, diff)
		}
		if problems := r.lastReport().Problems; len(problems) != 1 || !strings.Contains(problems[0].Text, c.want) {
			t.Errorf("%s: problems %+v, want %s", name, problems, c.want)
		}
	}
}

func TestTypesThatAreUnknownToAWSOrToGatehouseAreNamed(t *testing.T) {
	t.Parallel()
	r := wanting(t, "cobol", "fortran")
	r.run(-1)
	got := strings.Join(texts(r.lastReport().Problems), "\n")
	for _, want := range []string{
		`API Gateway requires the parameter "picture" for an SDK of the type cobol`, `API Gateway does not generate SDKs of the type "fortran". It knows cobol, java, javascript.`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("problems %s, want %s", got, want)
		}
	}
	if calls := r.plane.called(); calls["sdk pets1:prod cobol"] > 0 {
		t.Errorf("calls %v", calls)
	}
}
