// This file tests the catalog folder, from files to what people can subscribe to.

package e2e

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/demo"
)

// product is a product of the JSON API.
type product struct {
	ID    string
	Plans []plan
}

type plan struct {
	ID          string
	Marketplace bool
}

func (s *site) products(t *testing.T) map[string]product {
	t.Helper()
	all := map[string]product{}
	for _, one := range decode[items[product]](person{t: t, base: s.PortalURL}.do(http.MethodGet, "/api/v1/catalog", "").want(http.StatusOK)).Items {
		all[one.ID] = one
	}
	return all
}

// rewrite replaces text in the demo's file of Seamark.
func (s *site) rewrite(t *testing.T, before, after string) {
	t.Helper()
	file := filepath.Join(s.dir, "catalog", "seamark", "product.yaml")
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), before) {
		t.Fatalf("%s has no %q", file, before)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(body), before, after, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A plan that is only not offered any more is not gone: the subscriptions stay.
func TestSubscriptionsStayWhenTheirPlanIsNoLongerOffered(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.operator(t)
	ada, _ := s.subscriber(t, o)
	free := s.Demo.API.FreePlanID
	id := decode[items[key]](ada.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items[0].ID
	value := decode[struct{ Value string }](ada.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value

	s.rewrite(t, "  - name: Seamark Free\n", "  - name: Seamark Free\n    offer: false\n")
	text, _ := o.says(0, "catalog", "sync")
	if strings.Contains(text, "problem") {
		t.Errorf("it prints %s", text)
	}
	for _, plan := range s.products(t)["seamark"].Plans {
		if plan.ID == free {
			t.Error("the plan is still offered")
		}
	}
	o.says(0, "sweep")
	if !o.showsAda() || s.countAttached(t, free) != 1 || s.call(t, value) != http.StatusOK {
		t.Errorf("the subscription is gone: shown %t, attached %d, called %d", o.showsAda(), s.countAttached(t, free), s.call(t, value))
	}
	bob := s.signUp(t, "bob@example.com")
	bob.succeed(bob.do(http.MethodPost, "/api/v1/register", ""))
	bob.do(http.MethodPut, "/api/v1/subscriptions/"+free, "").want(http.StatusNotFound)
	report := asJSON[catalog.Report](o, "catalog", "status")
	if !slices.ContainsFunc(report.NotOffered, func(n catalog.NotOffered) bool {
		return string(n.Plan) == free && strings.HasPrefix(n.Reason, "seamark/product.yaml, line ")
	}) {
		t.Errorf("not offered are %+v", report.NotOffered)
	}
	if text, _ := o.says(0, "doctor"); !strings.Contains(text, "not offered: 1.") {
		t.Errorf("the doctor says %s", text)
	}
	ada.succeed(ada.do(http.MethodDelete, "/api/v1/subscriptions/"+free, ""))
}

func TestABrokenProductFileIsNamedAndTheProductStays(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	o := s.operator(t)
	before := s.products(t)["seamark"]
	if len(before.Plans) != 3 {
		t.Fatalf("Seamark has the plans %+v", before.Plans)
	}
	s.rewrite(t, "featured: true", "\tfeatured: true")
	text, _ := o.says(0, "catalog", "sync")
	if !strings.Contains(text, "seamark/product.yaml:") || !strings.Contains(text, "1 problem") {
		t.Errorf("it prints %s", text)
	}
	if after := s.products(t); len(after["seamark"].Plans) != 3 || len(after) != 3 {
		t.Errorf("the products are %+v", after)
	}
	if text, _ := o.says(1, "doctor"); !strings.Contains(text, "seamark/product.yaml:") {
		t.Errorf("the doctor says %s", text)
	}
	s.rewrite(t, "\tfeatured: true", "featured: true")
	if text, _ := o.says(0, "catalog", "sync"); strings.Contains(text, "problem") {
		t.Errorf("once repaired it prints %s", text)
	}
	o.says(0, "doctor")
}

func TestAPlanOfAWSMarketplaceIsShownAndRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	pro := s.Demo.API.ProPlanID
	if !slices.ContainsFunc(s.products(t)["seamark"].Plans, func(p plan) bool { return p.ID == pro && p.Marketplace }) {
		t.Errorf("the plans are %+v", s.products(t)["seamark"].Plans)
	}
	p := s.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	refused := decode[struct{ Detail string }](p.do(http.MethodPut, "/api/v1/subscriptions/"+pro, "").want(http.StatusConflict))
	if refused.Detail != "You can buy Pro on AWS Marketplace only, not on this portal. It is sold at https://aws.amazon.com/marketplace/pp/prodview-seamarkprodemo" {
		t.Errorf("it says %q", refused.Detail)
	}
}

func TestACatalogFolderInS3IsReadOnceItIsThere(t *testing.T) {
	t.Parallel()
	s := startWith(t, settings{dir: t.TempDir(), env: []string{"GATEHOUSE_CATALOG=s3://docs/portal"}})
	s.waitForCatalog(t)
	o := s.operator(t)
	if text, _ := o.says(0, "catalog", "sync"); !strings.Contains(text, "there is no bucket docs") && !strings.Contains(text, "There is no bucket docs") {
		t.Errorf("without a bucket it prints %s", text)
	}
	if len(s.products(t)) != 1 {
		t.Errorf("the products of the tagged plans are %+v", s.products(t))
	}
	s.putCatalog(t, demo.Catalog)
	// The demo's plan has a product code here, since `gatehouse local` has not installed its own folder.
	if text, _ := o.says(0, "catalog", "sync"); !strings.Contains(text, "0 problems, 1 warning") || !strings.Contains(text, "has a product code in API Gateway") {
		t.Errorf("it prints %s", text)
	}
	if all := s.products(t); len(all) != 3 || len(all["seamark"].Plans) != 3 {
		t.Errorf("the products are %+v", all)
	}
}

// putCatalog puts a folder at s3://docs/portal.
func (s *site) putCatalog(t *testing.T, folder fs.FS) {
	t.Helper()
	client := s3.NewFromConfig(s.aws, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("docs")}); err != nil {
		t.Fatal(err)
	}
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(folder, path)
		if err != nil {
			return err
		}
		_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("docs"), Key: aws.String("portal/" + path), Body: bytes.NewReader(body)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
