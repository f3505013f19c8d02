package migration_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog/folder"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/migration"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestTheEarlierCatalogBecomesAFolderWithoutFaults(t *testing.T) {
	t.Parallel()
	swagger := func(title, description string) []byte {
		body, _ := json.Marshal(map[string]any{"swagger": "2.0", "info": map[string]any{"title": title, "description": description, "version": "1"}, "paths": map[string]any{}})
		return body
	}
	stage := func(api string) portal.Stage { return portal.Stage{API: api, Stage: "prod"} }
	folders, unmatched := migration.Products([]migration.CatalogFile{
		{Key: "catalog/a1b2c3d4e5_prod.json", Body: swagger("Pet Store", "Pets\nand more.")},
		{Key: "catalog/b1b2c3d4e5_prod.json", Body: swagger("Orders", "")},
		{Key: "catalog/c1b2c3d4e5_prod.json", Body: swagger("Alone", "")},
		{Key: "catalog/unsubscribable_d1b2c3d4e5_prod.json", Body: swagger("Pages", "")},
		{Key: "catalog/5f2c.yaml", Body: []byte("openapi: 3.0.0\ninfo:\n  title: 'Trains: \"#1\" & <b>'\n  version: '1'\npaths: {}\n")},
		{Key: "catalog/hostile.json", Body: swagger("../../etc\u202e\x00"+strings.Repeat("é", 300), strings.Repeat("x", 1000))},
		{Key: "catalog/broken.json", Body: []byte("{\"info\": [")},
	}, map[string]bool{"c1b2c3d4e5_prod": true}, []gateway.UsagePlan{
		{ID: "both", Stages: []portal.Stage{stage("a1b2c3d4e5"), stage("b1b2c3d4e5")}}, {ID: "pets", Stages: []portal.Stage{stage("a1b2c3d4e5")}},
		{ID: "sold", ProductCode: "x", Stages: []portal.Stage{stage("c1b2c3d4e5")}}, {ID: "hidden", Stages: []portal.Stage{stage("d1b2c3d4e5")}},
	})
	files, names := fstest.MapFS{}, []string{}
	for _, f := range folders {
		names = append(names, f.Name)
		for name, body := range f.Files {
			files[f.Name+"/"+name] = &fstest.MapFile{Data: body}
		}
	}
	if diff := cmp.Diff([]string{"pet-store-and-1-more", "alone", "pages-2", "trains-1-b", "etc"}, slices.Clone(names)); diff != "" {
		t.Error(diff)
	}
	if len(unmatched) != 1 || !strings.HasPrefix(unmatched[0].What, "file catalog/broken.json") {
		t.Errorf("unmatched is %+v", unmatched)
	}
	described, err := folder.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range described.Problems {
		if !p.Warning {
			t.Errorf("%s:%d: %s", p.Where, p.Line, p.Text)
		}
	}
	if len(described.Products) != len(folders) {
		t.Errorf("of %d products, the folder has %d", len(folders), len(described.Products))
	}
	want := "# From the earlier portal, where only people who had signed in saw the catalog.\n" + `name: "Pet Store and 1 more"
description: "Pets and more."
visibility: signed-in
apis:
  - id: "a1b2c3d4e5"
    stage: "prod"
    title: "Pet Store"
  - id: "b1b2c3d4e5"
    stage: "prod"
    title: "Orders"
plans:
  - id: "both"
  - id: "pets"
`
	if diff := cmp.Diff(want, string(folders[0].Files["product.yaml"])); diff != "" {
		t.Error(diff)
	}
	for name, has := range map[string]bool{"alone": true, "pages-2": false} {
		for _, f := range folders {
			if text := string(f.Files["product.yaml"]); f.Name == name && (strings.Contains(text, "sdks: [") != has || strings.Contains(text, "plans:")) {
				t.Errorf("%s is\n%s", name, text)
			}
		}
	}
}

func TestAProductOfMoreAPIsOrPlansThanItCanHaveIsCutAndReported(t *testing.T) {
	t.Parallel()
	body := []byte(`{"swagger":"2.0","info":{"title":"Pets","version":"1"},"paths":{}}`)
	one := portal.Stage{API: "a000000000", Stage: "prod"}
	var plans []gateway.UsagePlan
	for n := range 51 {
		plans = append(plans, gateway.UsagePlan{ID: portal.PlanID(fmt.Sprintf("plan%02d", n)), Stages: []portal.Stage{one}})
	}
	var files []migration.CatalogFile
	var shared gateway.UsagePlan
	for n := range 51 {
		stage := portal.Stage{API: fmt.Sprintf("a%09d", n), Stage: "prod"}
		files = append(files, migration.CatalogFile{Key: "catalog/" + stage.API + "_prod.json", Body: body})
		shared.Stages = append(shared.Stages, stage)
	}
	for name, c := range map[string]struct {
		files     []migration.CatalogFile
		plans     []gateway.UsagePlan
		unmatched string
	}{
		"plans": {files[:1], plans, "Its APIs have 51 plans. A product has at most 50, so the others are left out: plan50."},
		"APIs":  {files, []gateway.UsagePlan{shared}, "Its plans cover 51 APIs. A product has at most 50, so the others are left out."},
	} {
		folders, unmatched := migration.Products(c.files, nil, c.plans)
		if want := []migration.Unmatched{{What: "product Pets", Why: c.unmatched}}; !slices.Equal(unmatched, want) {
			t.Errorf("of too many %s unmatched is %+v, want %+v", name, unmatched, want)
		}
		if len(folders) != 1 {
			t.Errorf("of too many %s there are %d products", name, len(folders))
		}
	}
}
