package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/web"
)

func TestEveryProblemTypeIsTheAddressOfAPageAboutIt(t *testing.T) {
	t.Parallel()
	router := chi.NewRouter()
	web.New(web.Config{Status: api.Status, Correlation: api.RequestID}).Routes(router)
	for _, code := range api.ProblemCodes() {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/problems/"+string(code), nil))
		if w.Code != http.StatusOK {
			t.Errorf("the page of %s is answered %d", code, w.Code)
			continue
		}
		page, err := goquery.NewDocumentFromReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if heading := page.Find("h1").Text(); !strings.Contains(heading, string(code)) {
			t.Errorf("the page of %s has the heading %q", code, heading)
		}
		if len(strings.TrimSpace(page.Find("main .lead").Text())) < 20 {
			t.Errorf("the page of %s explains nothing", code)
		}
	}
}
