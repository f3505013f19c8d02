package deploy_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type panel struct {
	ID         int
	Type       string
	Title      string
	Datasource struct{ Type, UID string }
	GridPos    struct{ H, W, X, Y int }
	Targets    []struct {
		RefID        string `json:"refId"`
		Expr         string
		LegendFormat string
		Datasource   struct{ Type, UID string }
	}
	FieldConfig struct {
		Defaults struct{ Unit string }
	}
}

type board struct {
	Title, UID    string
	SchemaVersion int
	Panels        []panel
	Templating    struct {
		List []struct{ Name, Type, Query string }
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
}

func grafanaBoard(t *testing.T) board {
	t.Helper()
	text, err := os.ReadFile("grafana/gatehouse.json")
	ok(t, err)
	var b board
	ok(t, json.Unmarshal(text, &b))
	return b
}

// The units of Grafana that the dashboard uses.
var grafanaUnits = []string{"none", "s", "bytes", "ops", "reqps", "percentunit"}

func TestTheGrafanaDashboardIsWellFormed(t *testing.T) {
	t.Parallel()
	b := grafanaBoard(t)
	if b.Title != "Gatehouse" || b.UID != "gatehouse" || b.SchemaVersion < 36 || len(b.Panels) < 20 {
		t.Errorf("the dashboard is %q (%s), schema %d, with %d panels", b.Title, b.UID, b.SchemaVersion, len(b.Panels))
	}
	if len(b.Templating.List) != 1 || b.Templating.List[0].Name != "datasource" || b.Templating.List[0].Type != "datasource" || b.Templating.List[0].Query != "prometheus" {
		t.Errorf("the variables are %+v", b.Templating.List)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range b.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %d is called %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%q is at %+v", p.Title, p.GridPos)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if cells[cell] != "" {
					t.Fatalf("%q covers %q", p.Title, cells[cell])
				}
				cells[cell] = p.Title
			}
		}
		checkPanel(t, p)
	}
}

func checkPanel(t *testing.T, p panel) {
	t.Helper()
	switch p.Type {
	case "row":
		return
	case "stat", "timeseries":
	default:
		t.Errorf("%q is a %s", p.Title, p.Type)
	}
	if !slices.Contains(grafanaUnits, p.FieldConfig.Defaults.Unit) || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
		t.Errorf("%q has the unit %q, the data source %q and %d targets", p.Title, p.FieldConfig.Defaults.Unit, p.Datasource.UID, len(p.Targets))
	}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if refs[target.RefID] || target.RefID == "" || target.Datasource.UID != "${datasource}" || target.LegendFormat == "" {
			t.Errorf("%q has the target %+v", p.Title, target)
		}
		refs[target.RefID] = true
		// A legend can only name labels that the expression leaves.
		for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
			if !regexp.MustCompile(`(by|group_left|on) \([^)]*\b` + label[1] + `\b`).MatchString(target.Expr) {
				t.Errorf("%q: the legend names %s, which %s does not leave", p.Title, label[1], target.Expr)
			}
		}
	}
}

func TestTheGrafanaDashboardShowsWhatIsMeasured(t *testing.T) {
	t.Parallel()
	b, exist := grafanaBoard(t), measuredMetrics(t)
	var exprs []string
	for _, p := range b.Panels {
		for _, target := range p.Targets {
			exprs = append(exprs, strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
		}
	}
	for _, annotation := range b.Annotations.List {
		if annotation.Expr != "" {
			exprs = append(exprs, annotation.Expr)
		}
	}
	shown := strings.Join(exprs, "\n")
	for _, expr := range exprs {
		for _, fault := range faultsOf(expr, exist) {
			t.Errorf("%s: %s", expr, fault)
		}
	}
	for name := range exist {
		if !strings.Contains(shown, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
	checkExpressions(t, exprs)
}
