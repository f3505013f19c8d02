package api_test

import (
	"net/http"
	"testing"

	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestASearchForAccountsSaysWhetherMoreFit(t *testing.T) {
	t.Parallel()
	f := full()
	f.account = projections.Account{Profile: projections.Profile{Status: projections.StatusNone}} // the search is no account's id
	found := siteOf(t, f, &root).do(http.MethodGet, "/admin/accounts?q=grac", nil).want(http.StatusOK).json().(map[string]any)
	if found["more"] != true || found["next"] != nil || len(found["items"].([]any)) != 1 {
		t.Errorf("the answer is %v", found)
	}
}
