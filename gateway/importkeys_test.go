package gateway

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestADescriptionCannotAddARow(t *testing.T) {
	t.Parallel()
	row := ImportRow{
		Key:   Key{Name: "gatehouse/a/k", Value: value(1), Description: "x\"\r\nevil,value,,true,a\u2028\u0085"},
		Plans: []portal.PlanID{"a", "b"},
	}
	file := string(keyFile([]ImportRow{row}))
	want := "name,key,description,enabled,usageplanIds\n" + row.Key.Name + "," + row.Key.Value + ",x   evil value  true a  ,true,\"a,b\"\n"
	if file != want {
		t.Errorf("the file is\n%s", file)
	}
}
