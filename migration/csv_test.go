package migration_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/migration"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestRowsOfAFileAreReadAndBadOnesNamed(t *testing.T) {
	t.Parallel()
	type rows = []migration.Row
	type bad = []migration.BadRow
	adas := migration.Row{Line: 1, Email: "ada@example.com", Key: "abcde12345", Plans: []portal.PlanID{"free", "plus"}}
	second := adas
	second.Line = 2
	for name, c := range map[string]struct {
		file string
		rows rows
		bad  bad
	}{
		"plans in one column":               {"ada@example.com,abcde12345,free plus", rows{adas}, nil},
		"plans in several columns":          {"ada@example.com, abcde12345, free, plus,free,", rows{adas}, nil},
		"plans with semicolons":             {"ada@example.com,abcde12345,free;plus\r\n", rows{adas}, nil},
		"no plans":                          {"ada@example.com,abcde12345", rows{{Line: 1, Email: "ada@example.com", Key: "abcde12345"}}, nil},
		"a heading, and Excel's mark":       {"\ufeffE-mail,Key,Plans\nada@example.com,abcde12345,free;plus\n", rows{second}, nil},
		"a bad address in the first row":    {"ada,abcde12345", nil, bad{{1, `"ada" is not an e-mail address.`}}},
		"no key":                            {"ada@example.com", nil, bad{{1, "Write an e-mail address, a comma, and the key's id in API Gateway."}}},
		"an address with a name":            {"Ada <ada@example.com>,abcde12345", nil, bad{{1, `"Ada <ada@example.com>" is not an e-mail address.`}}},
		"an address that is too long":       {strings.Repeat("a", 400) + "@example.com,abcde12345", nil, bad{{1, `"` + strings.Repeat("a", 120) + `…" is not an e-mail address.`}}},
		"a value, which is not repeated":    {"ada@example.com,gh0Mv4jrDF8xUUC2tsGFIorBvkoC9zpIRjUuDOl8HuyvD1gCiaZ", nil, bad{{1, `"gh0M…" is not the id of a key in API Gateway. Do not write the key's value or name.`}}},
		"a hostile plan":                    {"ada@example.com,abcde12345,\"free\x1b[31m\"", nil, bad{{1, `"free\x1b[31m" is not the id of a usage plan.`}}},
		"the same key twice":                {"ada@example.com,abcde12345,free plus\nbea@example.com,abcde12345\n", rows{adas}, bad{{2, "Line 1 has the same key. A key belongs to one person: remove one of the rows."}}},
		"an open quote":                     {"ada@example.com,abcde12345,free plus\n\"bea,x\n", rows{adas}, bad{{2, `The quotes do not match. Put " around the whole value, and double each " inside.`}}},
		"a line after a value of two lines": {"\"ada@\nexample.com\",abcde12345\nbea,abcde12346", nil, bad{{1, `"ada@\nexample.com" is not an e-mail address.`}, {3, `"bea" is not an e-mail address.`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, wrong, err := migration.ReadCSV(strings.NewReader(c.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.rows, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.bad, wrong); diff != "" {
				t.Errorf("bad rows (-want +got):\n%s", diff)
			}
		})
	}
	for _, file := range []string{"", "\n", "E-mail,Key,Plans\n"} {
		if _, _, err := migration.ReadCSV(strings.NewReader(file)); portal.CodeOf(err) != portal.Invalid {
			t.Errorf("a file without rows, %q: %v", file, err)
		}
	}
	if _, _, err := migration.ReadCSV(strings.NewReader("ada@example.com,\xff")); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("a file that is not text: %v", err)
	}
}

func TestRowsAreComparedWithAPIGateway(t *testing.T) {
	t.Parallel()
	has := migration.Gateway{
		Keys:   []gateway.Listed{{ID: "abcde12345", Name: "Ada"}, {ID: "bought0001", Customer: "cust"}, {ID: "gatehouse1", Name: "gatehouse/a/k"}, {ID: "second0001", Disabled: true}},
		Plans:  []gateway.UsagePlan{{ID: "free", Name: "Free"}, {ID: "plus", Name: "Plus"}, {ID: "sold", ProductCode: "x"}},
		InPlan: map[portal.GatewayKeyID][]portal.PlanID{"abcde12345": {"plus", "free"}},
	}
	row := func(key portal.GatewayKeyID, plans ...portal.PlanID) migration.Row {
		return migration.Row{Line: 4, Email: "ada@example.com", Key: key, Plans: plans}
	}
	for name, c := range map[string]struct {
		row  migration.Row
		want string
	}{
		"all plans":                 {row("abcde12345", "free", "plus"), ""},
		"plans left to API Gateway": {row("abcde12345"), ""},
		"a key in no plan":          {row("second0001"), ""},
		"a key that is gone":        {row("gone000001"), "API Gateway has no key gone000001 in this Region. Correct the id, or remove the row."},
		"a plan that is gone":       {row("abcde12345", "free", "gone"), "API Gateway has no usage plan gone. Correct the id, or remove it."},
		"a plan without the key":    {row("second0001", "free"), "The key second0001 is not in the usage plan free. Add it there in API Gateway, or remove the plan from the row."},
		"a plan that is left out":   {row("abcde12345", "free"), "The key abcde12345 is also in the usage plan plus. Add the plan to the row, or take the key out of it in API Gateway."},
		"a key of this portal":      {row("gatehouse1"), "This portal has made the key gatehouse1 itself. Remove the row."},
		"a key of a buyer":          {row("bought0001"), "It is metered for the customer cust of AWS Marketplace. Have the buyer come from AWS Marketplace again, see docs/marketplace.md. Until then the key works as before."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, bad := migration.WorklistOf([]migration.Row{c.row}, has, func(name string) bool { return strings.HasPrefix(name, "gatehouse/") })
			switch {
			case c.want == "" && (len(bad) != 0 || len(list.People) != 1 || len(list.People[0].Keys) != 1):
				t.Errorf("it is planned as %+v, bad %+v", list, bad)
			case c.want != "" && (len(bad) != 1 || bad[0] != migration.BadRow{Line: 4, Why: c.want}):
				t.Errorf("it is bad for %+v, want %q", bad, c.want)
			}
		})
	}
	list, _ := migration.WorklistOf([]migration.Row{row("abcde12345"), {Line: 5, Email: "Ada@Example.com", Key: "second0001"}}, has, func(string) bool { return false })
	if len(list.People) != 1 || len(list.People[0].Keys) != 2 || len(list.People[0].Keys[0].Plans) != 2 || !list.People[0].Keys[1].Disabled {
		t.Errorf("two keys of a person are %+v", list.People)
	}
}
